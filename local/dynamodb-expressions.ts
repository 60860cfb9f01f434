import { createRecentMap } from '@boomerang/core/domain/recent-map.ts';
import conditions, { type Parse } from 'dynalite/db/conditionParser.js';
import projections from 'dynalite/db/projectionParser.js';
import updates from 'dynalite/db/updateParser.js';
import { mapValues } from './map-values.ts';

/** Lets dynalite parse each expression once instead of at every request. */
export const rememberExpressions = (): void => {
  for (const parser of [conditions, projections, updates]) parser.parse = remembering(parser.parse);
};

/** Operators and functions that are checked against the values themselves. (Attributes with such names are parsed each time, too.) */
const READS_VALUES = /between|attribute_type/i;

const MAX_EXPRESSIONS = 500;

/** The result of a parser with placeholders instead of values, and the attribute names and values that it uses. */
type Parsed = { template: object; names: string[]; values: string[] };

class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Wraps a parser: results are the same, but an expression is parsed only once per combination of names and types of values. */
export const remembering = (parse: Parse): Parse => {
  const expressions = createRecentMap<Parsed>(MAX_EXPRESSIONS);
  return (expression, { context }) => {
    if (READS_VALUES.test(expression)) return parse(expression, { context });
    const { attrNames = {}, attrVals = {} } = context;
    const key = keyOf(expression, attrNames, attrVals);
    let parsed = expressions.get(key);
    if (!parsed) {
      const unused = { unusedAttrNames: { ...attrNames }, unusedAttrVals: { ...attrVals } };
      const result = parse(expression, { context: { ...context, ...unused } });
      if (typeof result === 'string') return result;
      parsed = {
        template: withPlaceholders(result, attrVals),
        names: Object.keys(attrNames).filter((name) => !(name in unused.unusedAttrNames)),
        values: Object.keys(attrVals).filter((name) => !(name in unused.unusedAttrVals)),
      };
      expressions.set(key, parsed);
    }
    for (const name of parsed.names) delete context.unusedAttrNames[name];
    for (const name of parsed.values) delete context.unusedAttrVals[name];
    return withValues(parsed.template, attrVals);
  };
};

const keyOf = (expression: string, names: object, values: Record<string, object>): string =>
  JSON.stringify([expression, names, Object.entries(values).map(([name, value]) => [name, ...Object.keys(value)])]);

const withPlaceholders = (result: object, values: Record<string, object>): object => {
  const placeholders = new Map<unknown, object>(
    Object.entries(values).map(([name, value]) => [value, new Placeholder(name)]),
  );
  return mapValues(result, (part) => placeholders.get(part)) as object;
};

const withValues = (template: object, values: Record<string, object>): object =>
  mapValues(template, (part) => (part instanceof Placeholder ? values[part.name] : undefined)) as object;

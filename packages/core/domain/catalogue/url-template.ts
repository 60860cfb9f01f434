import type { ParametersSchema, Provider } from './provider-schema.ts';

/**
 * URL templates: the subset of RFC 6570 in which a value can't change the target of a request.
 *
 * - `{x}` expands to one value, percent-encoded. It is allowed in the path and in values of the query.
 * - `{?a,b}` expands to a query of the parameters that have values; `{&a,b}` continues a query.
 *
 * Literal text is copied as in a URL without variables, and not encoded again.
 */

/** A value would change the origin, path or query of a request. The message does not contain the value. */
export class UnsafeExpansion extends Error {
  override name = 'UnsafeExpansion';
}

const NAME = '[A-Za-z]\\w{0,39}';
const EXPRESSION = new RegExp(`^([?&]?)(${NAME}(?:,${NAME})*)$`);

type Operator = '' | '?' | '&';
type Expression = { operator: Operator; names: readonly string[] };
type Piece = { literal: string } | Expression;

const isExpression = (piece: Piece | undefined): piece is Expression => piece !== undefined && 'operator' in piece;
const isLiteral = (piece: Piece | undefined): piece is { literal: string } => piece !== undefined && 'literal' in piece;

type Parsed = { pieces: readonly Piece[]; faults: readonly string[] };

/** The last template, because the rules of a provider parse the same one many times in a row. */
let cached: { template: string; parsed: Parsed } | undefined;

const parse = (template: string): Parsed => {
  if (cached?.template !== template) cached = { template, parsed: splitTemplate(template) };
  return cached.parsed;
};

/** Splits a template into literal text and expressions; anything else is a fault. */
const splitTemplate = (template: string): Parsed => {
  const pieces: Piece[] = [];
  const faults: string[] = [];
  for (const [index, part] of template.split(/(\{[^{}]*\})/).entries()) {
    if (index % 2 === 0) {
      if (/[{}]/.test(part)) faults.push('Must have a "}" for each "{"');
      if (part !== '') pieces.push({ literal: part });
      continue;
    }
    const [, operator = '', list = ''] = EXPRESSION.exec(part.slice(1, -1)) ?? [];
    const names = list.split(',');
    if (list === '' || (operator === '' && names.length > 1)) {
      faults.push(`Must have {name}, {?name,name} or {&name,name} instead of ${quote(part)}`);
    } else {
      pieces.push({ operator: operator as Operator, names });
    }
  }
  return { pieces, faults: [...new Set(faults)] };
};

const quote = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** The scheme and authority of a template. The WHATWG URL parser reads "\" as "/". */
const ORIGIN = /^https?:\/\/[^/?#\\]+/i;
const DOT_SEGMENT = /^(?:\.|%2e){1,2}$/i;

/** Every fault of a template that does not depend on its parameters. */
export const syntaxFaults = (template: string): string[] => {
  const { pieces, faults } = parse(template);
  if (!pieces.some(isExpression)) return faults.length > 0 || isHttpUrl(template) ? [...faults] : [NOT_HTTP];
  return [...faults, ...originFaults(pieces), ...literalFaults(pieces), ...queryFaults(pieces)];
};

const NOT_HTTP = 'Must be an absolute URL with http or https';

const isHttpUrl = (text: string): boolean => /^https?:\/\//i.test(text) && URL.canParse(text);

const originFaults = (pieces: readonly Piece[]): string[] => {
  const [first, second] = pieces;
  const text = isLiteral(first) ? first.literal : '';
  if (!/^https?:\/\//i.test(text)) {
    return [isExpression(first) ? 'Must begin with a literal origin, such as https://api.example' : NOT_HTTP];
  }
  const [origin = ''] = ORIGIN.exec(text) ?? [];
  // The first literal ends within the origin, so a variable that follows would be part of it.
  const isUnfinished = origin === '' || origin === text;
  if (isUnfinished && isExpression(second) && second.operator !== '?') {
    return ['Must have no variable in its user info, host or port'];
  }
  return URL.canParse(origin) ? [] : [NOT_HTTP];
};

const literalFaults = (pieces: readonly Piece[]): string[] => {
  const literals = pieces.filter(isLiteral).map(({ literal }) => literal);
  const [path = ''] = pieces
    .map((piece) => (isExpression(piece) && piece.operator !== '' ? '?' : sample(piece)))
    .join('')
    .split('?');
  return [
    ...(literals.some((literal) => literal.includes('#')) ? ['Must have no fragment'] : []),
    ...(literals.some((literal) => /[\p{Cc} \\]/u.test(literal))
      ? ['Must have no blanks, control characters or backslashes beside variables']
      : []),
    // With "%" before a variable, the value "2f" would become an encoded slash.
    ...(literals.some((literal) => /%(?![\da-f]{2})/i.test(literal))
      ? ['Must have two hexadecimal digits after each "%"']
      : []),
    ...(path.split('/').some((segment) => DOT_SEGMENT.test(segment))
      ? ['Must have no "." or ".." segments beside variables']
      : []),
  ];
};

/** Checks the position of each expression. */
const queryFaults = (pieces: readonly Piece[]): string[] => {
  const faults = new Set<string>();
  let where: 'path' | 'query' | 'end' = 'path';
  /** The literal query after its last "&"; contains "=" once a value has begun. */
  let pair = '';
  let isAfterContinuation = false;
  for (const piece of pieces) {
    if (isLiteral(piece)) {
      if (where === 'end') faults.add('Must have nothing but {&…} after {?…}: write ?a=1{&b}');
      else if (isAfterContinuation && !piece.literal.startsWith('&')) faults.add('Must have a "&" after {&…}');
      if (where === 'path' && piece.literal.includes('?')) where = 'query';
      pair = `${pair}${piece.literal}`.split(/[?&]/).at(-1) ?? '';
      isAfterContinuation = false;
    } else if (piece.operator === '?') {
      if (where !== 'path') faults.add('Must have one "?": write {&…} after it');
      else where = 'end';
    } else if (piece.operator === '&') {
      if (where === 'path') faults.add('Must have a "?" before {&…}: write {?…}');
      isAfterContinuation = where === 'query';
    } else if (where === 'end' || isAfterContinuation || (where === 'query' && !pair.includes('='))) {
      faults.add('Must have {name} in the path or in a value of the query: write ?a={name}');
    }
  }
  return [...faults];
};

/** The variables of a template, in order of first use. */
export const variablesOf = (template: string): ReadonlySet<string> =>
  new Set(parse(template).pieces.flatMap((piece) => (isExpression(piece) ? piece.names : [])));

/** The variables in the path of a template. */
export const pathVariablesOf = (template: string): ReadonlySet<string> => {
  const names = new Set<string>();
  for (const piece of parse(template).pieces) {
    if (isLiteral(piece) ? piece.literal.includes('?') : piece.operator !== '') break;
    if (isExpression(piece)) names.add(piece.names[0] ?? '');
  }
  return names;
};

const singleVariablesOf = (template: string): ReadonlySet<string> =>
  new Set(parse(template).pieces.flatMap((piece) => (isExpression(piece) && piece.operator === '' ? piece.names : [])));

/** The query parameter names of a template, with repeats: literal names, then those of `{?…}` and `{&…}`. */
export const queryNamesOf = (template: string, parameters: ParametersSchema | undefined): string[] => {
  const { pieces } = parse(template);
  const [, query = ''] = /\?([^#]*)/s.exec(pieces.map(sample).join('')) ?? [];
  const names = pieces.flatMap((piece) => (isExpression(piece) && piece.operator !== '' ? piece.names : []));
  return [...new URLSearchParams(query).keys(), ...names.map((name) => wireNameOf(parameters, name))];
};

const propertyOf = (parameters: ParametersSchema | undefined, name: string) =>
  parameters && Object.hasOwn(parameters.properties, name) ? parameters.properties[name] : undefined;

const wireNameOf = (parameters: ParametersSchema | undefined, name: string): string =>
  propertyOf(parameters, name)?.as ?? name;

/**
 * Finds undeclared variables, and optional ones where a value is needed.
 *
 * @param others variables that are not parameters and always have a value
 */
export const variableFaults = (
  template: string,
  parameters: ParametersSchema | undefined,
  others: ReadonlySet<string> = new Set(),
): string[] => {
  const unknown = [...variablesOf(template)].filter((name) => !propertyOf(parameters, name) && !others.has(name));
  const optional = [...singleVariablesOf(template)].filter((name) => {
    const property = propertyOf(parameters, name);
    return property && !others.has(name) && property.default === undefined && !parameters?.required?.includes(name);
  });
  return [
    ...unknown.map((name) => `Must declare {${name}} in parameters`),
    ...optional.map((name) => `Must not use {${name}} outside {?…} and {&…} unless it is required or has a default`),
  ];
};

/** Finds variables whose query name is repeated, by literal text or another variable. */
export const queryNameFaults = (template: string, parameters: ParametersSchema | undefined): string[] => {
  const names = queryNamesOf(template, parameters);
  const variable = new Set([...variablesOf(template)].map((name) => wireNameOf(parameters, name)));
  const repeated = new Set(names.filter((name, index) => variable.has(name) && names.indexOf(name) !== index));
  return [...repeated].map((name) => `Must have the query parameter "${quote(name)}" once`);
};

/** Every fault of a provider's URL template, except unset placeholders. A template without faults can be expanded. */
export const templateFaults = (template: string, parameters: ParametersSchema | undefined): string[] => {
  const faults = syntaxFaults(template);
  return faults.length > 0
    ? faults
    : [...variableFaults(template, parameters), ...queryNameFaults(template, parameters)];
};

const sampleOf = (template: string): URL => new URL(parse(template).pieces.map(sample).join(''));

/** The origin of a template without syntax faults. */
export const originOf = (template: string): string => sampleOf(template).origin;

/** Whether a template without syntax faults has a user name or password. */
export const hasUserInfo = (template: string): boolean => {
  const { username, password } = sampleOf(template);
  return username !== '' || password !== '';
};

/**
 * Checks a value in a path. Servers and proxies decode and normalize paths before routing, so an encoded slash or dot
 * segment could reach another resource with our credential.
 *
 * @returns the rule that the value breaks; undefined if it is safe
 */
export const pathValueFault = (value: string | number | boolean): string | undefined => {
  const text = String(value);
  if (text === '') return 'Must not be empty';
  if (text === '.' || text === '..') return 'Must not be "." or ".."';
  if (/[/\\%]/.test(text)) return 'Must not have "/", "\\" or "%"';
  return /\p{Cc}/u.test(text) ? 'Must not have control characters' : undefined;
};

/** The URL of a provider's request. @throws UnsafeExpansion for values that `parameterFaults` rejects */
export const expandUrl = ({ url, parameters }: Pick<Provider, 'url' | 'parameters'>, values: Values): string =>
  expandTemplate(url, parameters, values);

/**
 * Expands a template without faults. In values, every character that is not unreserved (RFC 3986) is percent-encoded.
 *
 * @param parameters their `as` are names in the query
 * @param values by variable, defaults filled in; variables without a value are left out of the query
 * @throws UnsafeExpansion if a value would change the origin or the path's segments
 */
export const expandTemplate = (template: string, parameters: ParametersSchema | undefined, values: Values): string => {
  const { pieces, faults } = parse(template);
  if (!pieces.some(isExpression) && faults.length === 0) return template;
  const [fault] = [...faults, ...originFaults(pieces)];
  if (fault !== undefined) throw new UnsafeExpansion(`The template is not valid: ${fault}`);
  const inPath = pathVariablesOf(template);
  for (const name of variablesOf(template)) {
    const value = ownValue(values, name);
    const unsafe = inPath.has(name) ? pathValueFault(value ?? '') : undefined;
    if (unsafe !== undefined) throw new UnsafeExpansion(`{${name}} in the path: ${unsafe}`);
    if (typeof value === 'string' && !value.isWellFormed())
      throw new UnsafeExpansion(`{${name}} is not well-formed Unicode`);
  }
  const merged = mergeQueries(pieces);
  const expanded = merged
    .map((piece) => (isLiteral(piece) ? piece.literal : expand(piece, parameters, values)))
    .join('');
  const before = new URL(merged.map(sample).join(''));
  const after = new URL(expanded);
  const isSame =
    after.origin === before.origin &&
    after.username === before.username &&
    after.password === before.password &&
    after.hash === '' &&
    after.pathname.split('/').length === before.pathname.split('/').length;
  if (!isSame) throw new UnsafeExpansion('A value changes the origin or the path');
  return expanded;
};

/** Merges `{?a}{&b}` into `{?a,b}`, because RFC 6570 would append "&b=…" to the path if `a` has no value. */
const mergeQueries = (pieces: readonly Piece[]): Piece[] => {
  const all: Piece[] = [];
  for (const piece of pieces) {
    const previous = all.at(-1);
    const continuesQuery = isExpression(piece) && piece.operator === '&';
    if (continuesQuery && isExpression(previous) && previous.operator === '?') {
      all[all.length - 1] = { operator: '?', names: [...previous.names, ...piece.names] };
    } else {
      all.push(piece);
    }
  }
  return all;
};

type Values = Readonly<Record<string, string | number | boolean>>;

const ownValue = (values: Values, name: string) => (Object.hasOwn(values, name) ? values[name] : undefined);

/** A piece expanded with the value `x`, without the parameters of `{?…}` and `{&…}`. */
const sample = (piece: Piece): string => {
  if (isLiteral(piece)) return piece.literal;
  return piece.operator === '' ? 'x' : '';
};

const expand = ({ operator, names }: Expression, parameters: ParametersSchema | undefined, values: Values): string => {
  const defined = names.filter((name) => ownValue(values, name) !== undefined);
  const text = (name: string): string => encode(String(ownValue(values, name)));
  if (operator === '') return defined.map(text).join('');
  const pairs = defined.map((name) => `${encode(wireNameOf(parameters, name))}=${text(name)}`);
  return pairs.length === 0 ? '' : `${operator}${pairs.join('&')}`;
};

/** RFC 6570, 3.2.2: encodes all but the unreserved characters of RFC 3986. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

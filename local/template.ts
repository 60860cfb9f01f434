import { readFileSync } from 'node:fs';
import { type CollectionTag, parse, type ScalarTag } from 'yaml';

/** A resource of the template, with unresolved intrinsic functions. */
export type Resource = {
  Type: string;
  /** Name of the condition under which the resource exists. */
  Condition?: string;
  Properties?: Record<string, unknown>;
  Metadata?: Record<string, unknown>;
};

export type Template = {
  Parameters: Record<string, { Default?: unknown; Type: string }>;
  Mappings: Record<string, Record<string, Record<string, string>>>;
  Conditions: Record<string, unknown>;
  Globals: { Function: Record<string, unknown> };
  Resources: Record<string, Resource>;
  Outputs: Record<string, { Description: string; Value: unknown }>;
};

/** Parameter values, and the values of `!Ref` and `!GetAtt` for resources. */
export type Bindings = {
  parameters: Record<string, unknown>;
  ref: (logicalId: string) => string;
  getAtt: (logicalId: string, attribute: string) => string;
};

/** The short forms of intrinsic functions that the template uses: `!X …` is parsed to `{ 'Fn::X': … }`. */
const SHORT_FORMS = ['GetAtt', 'Sub', 'If', 'Not', 'Equals', 'FindInMap', 'Join', 'Select', 'Split'];

const tags: (ScalarTag | CollectionTag)[] = [
  { tag: '!Ref', resolve: (name: string) => ({ Ref: name }) },
  ...SHORT_FORMS.flatMap((name): (ScalarTag | CollectionTag)[] => [
    { tag: `!${name}`, resolve: (text: string) => ({ [`Fn::${name}`]: text }) },
    {
      tag: `!${name}`,
      collection: 'seq',
      resolve: (node: unknown) => ({ [`Fn::${name}`]: (node as { toJSON: () => unknown }).toJSON() }),
    } as CollectionTag,
  ]),
];

export const readTemplate = (path: string): Template =>
  parse(readFileSync(path, 'utf8'), { customTags: tags, merge: true }) as Template;

/**
 * Resolves the intrinsic functions of a part of the template.
 * @throws Error for unsupported intrinsic functions
 */
export const createResolver = (template: Template, bindings: Bindings): ((value: unknown) => unknown) => {
  const parameters: Record<string, unknown> = {
    ...Object.fromEntries(Object.entries(template.Parameters).map(([name, { Default }]) => [name, Default])),
    ...bindings.parameters,
  };
  const ref = (name: string): unknown => {
    if (name === 'AWS::NoValue') return undefined;
    if (!Object.hasOwn(parameters, name)) return bindings.ref(name);
    const isList = template.Parameters[name]?.Type === 'CommaDelimitedList';
    return isList ? String(parameters[name]).split(',') : parameters[name];
  };
  const getAtt = (path: string): string => {
    const [logicalId = '', attribute = ''] = path.split('.');
    return bindings.getAtt(logicalId, attribute);
  };
  const functions: Record<string, (argument: unknown) => unknown> = {
    Ref: (name) => ref(name as string),
    'Fn::GetAtt': (path) => getAtt(Array.isArray(path) ? path.join('.') : (path as string)),
    'Fn::Sub': (text) =>
      (text as string).replace(/\$\{([^}]+)\}/g, (_, name: string) =>
        String(name.includes('.') ? getAtt(name) : ref(name)),
      ),
    'Fn::Join': (argument) => {
      const [separator, parts] = argument as [string, unknown];
      return (resolve(parts) as unknown[]).join(separator);
    },
    'Fn::Select': (argument) => {
      const [index, list] = resolve(argument) as [number, unknown[]];
      return list[index];
    },
    'Fn::Split': (argument) => {
      const [separator, text] = resolve(argument) as [string, string];
      return text.split(separator);
    },
    'Fn::FindInMap': (argument) => {
      const [map, key, name] = resolve(argument) as [string, string, string];
      return template.Mappings[map]?.[key]?.[name];
    },
    'Fn::Equals': (argument) => {
      const [left, right] = resolve(argument) as [unknown, unknown];
      return String(left) === String(right);
    },
    'Fn::Not': (argument) => !(resolve(argument) as [boolean])[0],
    'Fn::If': (argument) => {
      const [condition, yes, no] = argument as [string, unknown, unknown];
      return resolve(resolve(template.Conditions[condition]) ? yes : no);
    },
  };
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [name, argument] = entries[0] ?? [];
    if (entries.length === 1 && name !== undefined && (name === 'Ref' || name.startsWith('Fn::'))) {
      const resolveFunction = functions[name];
      if (!resolveFunction) throw new Error(`template.yaml: ${name} is not supported`);
      return resolveFunction(argument);
    }
    return Object.fromEntries(entries.map(([key, part]) => [key, resolve(part)]));
  };
  return resolve;
};

/** The resources of one type, by logical id. */
export const resourcesOf = (template: Template, type: string): [string, Resource][] =>
  Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);

/** A function's HttpApi event. */
export type HttpApiEvent = { Properties: { ApiId: { Ref: string }; Method: string; Path: string } };

/** The route key of API Gateway: `GET /jobs`, `$default`. */
export const routeKeyOf = ({ Method, Path }: HttpApiEvent['Properties']): string =>
  Path === '$default' ? Path : `${Method} ${Path}`;

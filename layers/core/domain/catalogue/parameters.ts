import { type OutputUnit, type Schema, Validator } from '@cfworker/json-schema';
import { MASK } from '../mask.ts';
import { formatFault } from './parameter-formats.ts';
import type { Parameters, ParametersSchema, Provider } from './provider-schema.ts';
import { pathValueFault, pathVariablesOf } from './url-template.ts';

/** One parameter of a provider's schema. */
export type ParameterSchema = ParametersSchema['properties'][string];

/** What is wrong, and where. Messages quote no value that was given. */
export type Fault = { path: string[]; message: string };

/**
 * Everything that is wrong with what a caller gave a provider; none: it is valid. Nothing is coerced.
 *
 * @param given what was posted, before defaults
 */
export const parameterFaults = ({ parameters, url }: Pick<Provider, 'parameters' | 'url'>, given: unknown): Fault[] => {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return [{ path: [], message: 'Must be an object' }];
  }
  const inPath = pathVariablesOf(url);
  const faults = Object.entries(given).flatMap(([name, value]): Fault[] => {
    const schema = schemaOf(parameters, name);
    if (!schema) return [{ path: [name], message: 'Not a known parameter' }];
    return valueFaults(schema, value, inPath.has(name)).map((message) => ({ path: [name], message }));
  });
  const missing = (parameters?.required ?? []).filter((name) => !Object.hasOwn(given, name));
  return [...faults, ...missing.map((name) => ({ path: [name], message: 'Is required' }))];
};

const schemaOf = (parameters: ParametersSchema | undefined, name: string): ParameterSchema | undefined =>
  parameters && Object.hasOwn(parameters.properties, name) ? parameters.properties[name] : undefined;

/** Every rule that a value of one parameter breaks. */
export const valueFaults = (schema: ParameterSchema, value: unknown, isInPath: boolean): string[] => {
  if (!isScalar(value) || typeof value !== (schema.type === 'integer' ? 'number' : schema.type)) {
    return [TYPES[schema.type]];
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return ['Must be a finite number'];
    // JSON.parse has already rounded it: it is not the number that was posted.
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      return [`Must be between ${Number.MIN_SAFE_INTEGER} and ${Number.MAX_SAFE_INTEGER}`];
    }
  }
  if (typeof value === 'string' && !value.isWellFormed()) return ['Must be well-formed Unicode'];
  const messages = validatorOf(schema)
    .validate(value)
    .errors.map(({ keyword }) => explain(schema, keyword));
  const strict = typeof value === 'string' && schema.format ? formatFault(schema.format, value) : undefined;
  const unsafe = isInPath ? pathValueFault(value) : undefined;
  return [...new Set([...messages, strict, unsafe])].filter((message) => message !== undefined);
};

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

const TYPES: Readonly<Record<ParameterSchema['type'], string>> = {
  string: 'Must be a string',
  integer: 'Must be an integer',
  number: 'Must be a number',
  boolean: 'Must be true or false',
};

const validators = new WeakMap<ParameterSchema, Validator>();

/** Compiled at the first use of a parameter. */
const validatorOf = (schema: ParameterSchema): Validator => {
  const known = validators.get(schema);
  if (known) return known;
  const { title: _title, description: _description, writeOnly: _writeOnly, as: _as, format: _format, ...rest } = schema;
  // All rules, not only the first that is broken.
  const validator = new Validator(rest as Schema, '2020-12', false);
  validators.set(schema, validator);
  return validator;
};

const characters = (count: number | undefined): string => `${count} character${count === 1 ? '' : 's'}`;

const explain = (schema: ParameterSchema, keyword: OutputUnit['keyword']): string => {
  switch (keyword) {
    case 'enum':
      return `Must be ${listOf(schema.enum ?? [])}`;
    case 'const':
      return `Must be ${JSON.stringify(schema.const)}`;
    case 'pattern':
      return `Must match the pattern ${schema.pattern}`;
    case 'minLength':
      return `Must have at least ${characters(schema.minLength)}`;
    case 'maxLength':
      return `Must have at most ${characters(schema.maxLength)}`;
    case 'minimum':
      return `Must be at least ${schema.minimum}`;
    case 'maximum':
      return `Must be at most ${schema.maximum}`;
    case 'exclusiveMinimum':
      return `Must be greater than ${schema.exclusiveMinimum}`;
    case 'exclusiveMaximum':
      return `Must be less than ${schema.exclusiveMaximum}`;
    case 'multipleOf':
      return `Must be a multiple of ${schema.multipleOf}`;
    default:
      return TYPES[schema.type];
  }
};

const MAX_LISTED = 20;

const listOf = (values: readonly (string | number | boolean)[]): string => {
  const shown = values.slice(0, MAX_LISTED).map((value) => JSON.stringify(value));
  const rest = values.length - shown.length;
  return `one of ${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
};

/** What is sent: what was given, and the defaults of what was not. */
export const withDefaults = ({ parameters }: Pick<Provider, 'parameters'>, given: Parameters): Parameters => {
  const defaults = Object.entries(parameters?.properties ?? {}).flatMap(([name, { default: value }]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(defaults), ...given };
};

const isSecret = (provider: Pick<Provider, 'parameters'> | undefined, name: string): boolean =>
  schemaOf(provider?.parameters, name)?.writeOnly ?? !schemaOf(provider?.parameters, name);

/**
 * The values that must not be shown, as they are sent: those of `writeOnly` parameters, defaults included.
 *
 * @param provider undefined for one that has left the catalogue: then, and for parameters that it does not know, every value
 */
export const writeOnlyValues = (provider: Pick<Provider, 'parameters'> | undefined, given: Parameters): string[] =>
  Object.entries(provider ? withDefaults(provider, given) : given)
    .filter(([name]) => isSecret(provider, name))
    .map(([, value]) => String(value));

/**
 * What was given, as it may be shown: `***` in place of `writeOnly` values.
 *
 * @param provider undefined for one that has left the catalogue: then, and for parameters that it does not know, every value
 */
export const maskWriteOnly = (provider: Pick<Provider, 'parameters'> | undefined, given: Parameters): Parameters =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, isSecret(provider, name) ? MASK : value] as const),
  );

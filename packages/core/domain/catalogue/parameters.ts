import { MASK } from '../mask.ts';
import { formatFault } from './parameter-formats.ts';
import type { Parameters, ParametersSchema, Polling, Provider } from './provider-schema.ts';
import { pathValueFault, pathVariablesOf } from './url-template.ts';

/** One parameter of a provider's schema. */
export type ParameterSchema = ParametersSchema['properties'][string];

/** The URLs whose paths may contain parameters. */
type WithPaths = Pick<Provider, 'url'> & { polling?: Pick<Polling, 'statusUrl'> | undefined };

/** Messages do not contain the caller's values. */
export type Fault = { path: string[]; message: string };

/**
 * Everything that is wrong with the parameters posted for a provider. Values are not coerced.
 *
 * @param posted before defaults are filled in
 */
export const parameterFaults = (provider: Pick<Provider, 'parameters'> & WithPaths, posted: unknown): Fault[] => {
  const { parameters } = provider;
  if (typeof posted !== 'object' || posted === null || Array.isArray(posted)) {
    return [{ path: [], message: 'Must be an object' }];
  }
  const inPath = pathParametersOf(provider);
  const faults = Object.entries(posted).flatMap(([name, value]): Fault[] => {
    const schema = schemaOf(parameters, name);
    if (!schema) return [{ path: [name], message: 'Not a known parameter' }];
    return valueFaults(schema, value, inPath.has(name)).map((message) => ({ path: [name], message }));
  });
  const missing = (parameters?.required ?? []).filter((name) => !Object.hasOwn(posted, name));
  return [...faults, ...missing.map((name) => ({ path: [name], message: 'Is required' }))];
};

/** The parameters in the path of the provider's URL or status URL. */
export const pathParametersOf = ({ url, polling }: WithPaths): ReadonlySet<string> => {
  const inUrl = pathVariablesOf(url);
  if (!polling || !('template' in polling.statusUrl)) return inUrl;
  return new Set([...inUrl, ...pathVariablesOf(polling.statusUrl.template)]);
};

const schemaOf = (parameters: ParametersSchema | undefined, name: string): ParameterSchema | undefined =>
  parameters && Object.hasOwn(parameters.properties, name) ? parameters.properties[name] : undefined;

/** Every rule that a parameter's value breaks. */
export const valueFaults = (schema: ParameterSchema, value: unknown, isInPath: boolean): string[] => {
  if (!isScalar(value) || typeof value !== (schema.type === 'integer' ? 'number' : schema.type)) {
    return [TYPES[schema.type]];
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return ['Must be a finite number'];
    if (schema.type === 'integer' && !Number.isInteger(value)) return [TYPES.integer];
    // JSON.parse may have rounded the posted number.
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      return [`Must be between ${Number.MIN_SAFE_INTEGER} and ${Number.MAX_SAFE_INTEGER}`];
    }
  }
  if (typeof value === 'string' && !value.isWellFormed()) return ['Must be well-formed Unicode'];
  const { enum: values, const: only } = schema;
  return [
    values && !values.includes(value) && `Must be one of ${listOf(values)}`,
    only !== undefined && value !== only && `Must be ${JSON.stringify(only)}`,
    ...(typeof value === 'string' ? stringFaults(schema, value) : []),
    ...(typeof value === 'number' ? numberFaults(schema, value) : []),
    isInPath && pathValueFault(value),
  ].filter((message) => typeof message === 'string');
};

/** Keywords of JSON Schema 2020-12 (Validation, §6.3 and §7). */
const stringFaults = (
  { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern, format }: ParameterSchema,
  value: string,
) => {
  // JSON Schema counts code points.
  const { length } = [...value];
  return [
    length < minLength && `Must have at least ${characters(minLength)}`,
    length > maxLength && `Must have at most ${characters(maxLength)}`,
    pattern !== undefined && !new RegExp(pattern, 'u').test(value) && `Must match the pattern ${pattern}`,
    format && formatFault(format, value),
  ];
};

/** Keywords of JSON Schema 2020-12 (Validation, §6.2). */
const numberFaults = (
  { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf }: ParameterSchema,
  value: number,
) => [
  minimum !== undefined && value < minimum && `Must be at least ${minimum}`,
  maximum !== undefined && value > maximum && `Must be at most ${maximum}`,
  exclusiveMinimum !== undefined && value <= exclusiveMinimum && `Must be greater than ${exclusiveMinimum}`,
  exclusiveMaximum !== undefined && value >= exclusiveMaximum && `Must be less than ${exclusiveMaximum}`,
  multipleOf !== undefined && !isMultiple(value, multipleOf) && `Must be a multiple of ${multipleOf}`,
];

/** Compares exact decimals: 19.99 is a multiple of 0.01, although dividing the doubles leaves a remainder. */
const isMultiple = (value: number, step: number): boolean => {
  const [a, b] = [decimalOf(value), decimalOf(step)];
  const exponent = Math.min(a.exponent, b.exponent);
  const scaled = (decimal: Decimal): bigint => decimal.digits * 10n ** BigInt(decimal.exponent - exponent);
  return scaled(a) % scaled(b) === 0n;
};

type Decimal = { digits: bigint; exponent: number };

const decimalOf = (value: number): Decimal => {
  const [digits = '', exponent = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = digits.split('.');
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
};

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

const TYPES: Readonly<Record<ParameterSchema['type'], string>> = {
  string: 'Must be a string',
  integer: 'Must be an integer',
  number: 'Must be a number',
  boolean: 'Must be true or false',
};

const characters = (count: number): string => `${count} character${count === 1 ? '' : 's'}`;

const MAX_LISTED = 20;

const listOf = (values: readonly (string | number | boolean)[]): string => {
  const shown = values.slice(0, MAX_LISTED).map((value) => JSON.stringify(value));
  const rest = values.length - shown.length;
  return `${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
};

/** The values that are sent: the posted ones, and defaults for the others. */
export const withDefaults = ({ parameters }: Pick<Provider, 'parameters'>, posted: Parameters): Parameters => {
  const defaults = Object.entries(parameters?.properties ?? {}).flatMap(([name, { default: value }]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(defaults), ...posted };
};

const isSecret = (provider: Pick<Provider, 'parameters'> | undefined, name: string): boolean =>
  schemaOf(provider?.parameters, name)?.writeOnly ?? !schemaOf(provider?.parameters, name);

/**
 * The sent values that must not be shown: those of `writeOnly` parameters, defaults included.
 *
 * @param provider undefined if it is no longer in the catalogue: then every value is secret. So are unknown parameters.
 */
export const writeOnlyValues = (provider: Pick<Provider, 'parameters'> | undefined, posted: Parameters): string[] =>
  Object.entries(provider ? withDefaults(provider, posted) : posted)
    .filter(([name]) => isSecret(provider, name))
    .map(([, value]) => String(value));

/**
 * Parameters in a form safe to show, with `***` in place of `writeOnly` values.
 *
 * @param provider undefined if it is no longer in the catalogue: then every value is masked. So are unknown parameters.
 */
export const maskWriteOnly = (provider: Pick<Provider, 'parameters'> | undefined, posted: Parameters): Parameters =>
  Object.fromEntries(
    Object.entries(posted).map(([name, value]) => [name, isSecret(provider, name) ? MASK : value] as const),
  );

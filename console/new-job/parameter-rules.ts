import type { ParameterSchema } from '../api-types.ts';

/**
 * The rules of a parameter's schema, with the server's messages. The server decides: formats are checked more loosely here,
 * and never more strictly.
 */

export type Value = string | number | boolean;
type Schema = ParameterSchema & { exclusiveMinimum?: number; exclusiveMaximum?: number };

export const valueFaults = (schema: Schema, value: Value): string[] => {
  if (typeof value !== (schema.type === 'integer' ? 'number' : schema.type)) return [TYPES[schema.type]];
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return ['Must be a finite number'];
    if (schema.type === 'integer' && !Number.isInteger(value)) return [TYPES.integer];
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
  ].filter((message) => typeof message === 'string');
};

const stringFaults = (
  { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern, format }: Schema,
  value: string,
) => {
  // JSON Schema counts code points.
  const { length } = [...value];
  return [
    length < minLength && `Must have at least ${characters(minLength)}`,
    length > maxLength && `Must have at most ${characters(maxLength)}`,
    pattern !== undefined && !new RegExp(pattern, 'u').test(value) && `Must match the pattern ${pattern}`,
    format !== undefined && formatFault(format, value),
  ];
};

const numberFaults = ({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf }: Schema, value: number) => [
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
  const scaled = (one: { digits: bigint; exponent: number }): bigint =>
    one.digits * 10n ** BigInt(one.exponent - exponent);
  return scaled(a) % scaled(b) === 0n;
};

const decimalOf = (value: number): { digits: bigint; exponent: number } => {
  const [digits = '', exponent = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = digits.split('.');
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
};

const FORMATS: Record<string, readonly [RegExp, string]> = {
  date: [/^\d{4}-\d\d-\d\d$/, 'a date, such as 2026-01-31'],
  time: [/^\d\d:\d\d:\d\d(?:\.\d+)?(?:z|[+-]\d\d:\d\d)$/i, 'a time with its offset, such as 23:59:59Z'],
  'date-time': [
    /^\d{4}-\d\d-\d\dt\d\d:\d\d:\d\d(?:\.\d+)?(?:z|[+-]\d\d:\d\d)$/i,
    'a date and time with its offset, such as 2026-01-31T23:59:59Z',
  ],
  duration: [/^P[\dYMWDTHS]+$/, 'a duration, such as P1DT12H'],
  email: [/^[^\s@]+@[^\s@]+$/, 'an email address'],
  hostname: [/^[a-z\d](?:[a-z\d.-]*[a-z\d])?$/i, 'a host name'],
  ipv4: [/^\d{1,3}(?:\.\d{1,3}){3}$/, 'an IPv4 address'],
  ipv6: [/^[\da-f:.]*:[\da-f:.]*$/i, 'an IPv6 address'],
  uri: [/^[a-z][a-z\d+.-]*:\S*$/i, 'an absolute URI'],
  uuid: [/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i, 'a UUID'],
};

const formatFault = (format: string, text: string): string | undefined => {
  const [pattern, name] = (Object.hasOwn(FORMATS, format) && FORMATS[format]) || [];
  return pattern?.test(text) === false ? `Must be ${name}` : undefined;
};

const TYPES: Record<ParameterSchema['type'], string> = {
  string: 'Must be a string',
  integer: 'Must be an integer',
  number: 'Must be a number',
  boolean: 'Must be true or false',
};

const characters = (count: number): string => `${count} character${count === 1 ? '' : 's'}`;

const MAX_LISTED = 20;
const listOf = (values: readonly Value[]): string => {
  const rest = values.length - MAX_LISTED;
  const shown = values.slice(0, MAX_LISTED).map((value) => JSON.stringify(value));
  return `${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
};

/** A parameter's value. */
export type Scalar = string | number | boolean;

/** The rules of a parameter: keywords of JSON Schema. */
export type ValueSchema<Format extends string> = {
  type: 'string' | 'integer' | 'number' | 'boolean';
  enum?: readonly Scalar[] | undefined;
  const?: Scalar | undefined;
  minLength?: number | undefined;
  maxLength?: number | undefined;
  pattern?: string | undefined;
  format?: Format | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
  exclusiveMinimum?: number | undefined;
  exclusiveMaximum?: number | undefined;
  multipleOf?: number | undefined;
};

/** Checks that the caller adds. Each returns the message of a fault; undefined if there is none. */
export type Checks<Format extends string> = {
  format: (format: Format, text: string) => string | undefined;
  /** A further rule for every value. */
  also?: (value: Scalar) => string | undefined;
};

/** Every rule that a value breaks. This module imports nothing, because the console checks its form by the same rules. */
export const ruleFaults = <Format extends string>(
  schema: ValueSchema<Format>,
  value: unknown,
  { format, also }: Checks<Format>,
): string[] => {
  if (!isScalar(value) || typeof value !== (schema.type === 'integer' ? 'number' : schema.type)) {
    return [TYPES[schema.type]];
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return ['Must be a finite number'];
    if (schema.type === 'integer' && !Number.isInteger(value)) return [TYPES.integer];
    // Larger integers may have been rounded by JSON.parse.
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      return [`Must be between ${Number.MIN_SAFE_INTEGER} and ${Number.MAX_SAFE_INTEGER}`];
    }
  }
  if (typeof value === 'string' && !value.isWellFormed()) return ['Must be well-formed Unicode'];
  const { enum: values, const: only } = schema;
  return [
    values && !values.includes(value) && `Must be one of ${listOf(values)}`,
    only !== undefined && value !== only && `Must be ${JSON.stringify(only)}`,
    ...(typeof value === 'string' ? stringFaults(schema, value, format) : []),
    ...(typeof value === 'number' ? numberFaults(schema, value) : []),
    also?.(value),
  ].filter((message) => typeof message === 'string');
};

/** Keywords of JSON Schema 2020-12 (Validation, §6.3 and §7). */
const stringFaults = <Format extends string>(
  { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern, format }: ValueSchema<Format>,
  value: string,
  formatFault: Checks<Format>['format'],
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
  { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf }: ValueSchema<string>,
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

export const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

const TYPES: Readonly<Record<ValueSchema<string>['type'], string>> = {
  string: 'Must be a string',
  integer: 'Must be an integer',
  number: 'Must be a number',
  boolean: 'Must be true or false',
};

const characters = (count: number): string => `${count} character${count === 1 ? '' : 's'}`;

const MAX_LISTED = 20;

const listOf = (values: readonly Scalar[]): string => {
  const shown = values.slice(0, MAX_LISTED).map((value) => JSON.stringify(value));
  const rest = values.length - shown.length;
  return `${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
};

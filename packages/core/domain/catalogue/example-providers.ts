import type { Offer } from './offers.ts';
import type { ParameterSchema } from './parameters.ts';

type Scalar = string | number | boolean;

/** A provider in a job request. */
export type ExampleProvider = string | { id: string; parameters: Record<string, Scalar> };

const MAX_PROVIDERS = 2;

/**
 * The `providers` of an example job: those that need no parameters, or else the first one with its required parameters.
 */
export const exampleProviders = (offers: Iterable<Offer>): ExampleProvider[] => {
  const all = [...offers];
  const plain = all.filter((offer) => !needsParameters(offer)).map(({ id }) => id);
  return plain.length > 0 ? plain.slice(0, MAX_PROVIDERS) : all.slice(0, 1).map(exampleProvider);
};

export const needsParameters = ({ parameters }: Pick<Offer, 'parameters'>): boolean =>
  (parameters?.required ?? []).length > 0;

/** A provider with its required parameters; only its id if there are none. */
export const exampleProvider = ({ id, parameters }: Pick<Offer, 'id' | 'parameters'>): ExampleProvider => {
  const { required = [], properties = {} } = parameters ?? {};
  if (required.length === 0) return id;
  const values = required.flatMap((name) => {
    const schema = properties[name];
    return schema ? [[name, exampleValue(schema)] as const] : [];
  });
  return { id, parameters: Object.fromEntries(values) };
};

/** A value that the catalogue states, or else one made up from the schema. A made-up one ignores `pattern` and `multipleOf`. */
const exampleValue = (schema: ParameterSchema): Scalar => {
  const { examples = [], const: only, enum: values = [], default: usual, writeOnly } = schema;
  // The default of a secret must not be shown.
  return examples[0] ?? only ?? values[0] ?? (writeOnly ? undefined : usual) ?? madeUpValue(schema);
};

const madeUpValue = ({ type, format, minLength = 0, maxLength, ...bounds }: ParameterSchema): Scalar => {
  if (type === 'boolean') return true;
  if (type === 'string') return format ? FORMATS[format] : 'example'.padEnd(minLength, '-').slice(0, maxLength);
  const { minimum, exclusiveMinimum, maximum = 1, exclusiveMaximum = 2 } = bounds;
  if (exclusiveMinimum !== undefined) return Math.floor(exclusiveMinimum) + 1;
  if (minimum !== undefined) return type === 'integer' ? Math.ceil(minimum) : minimum;
  return Math.min(1, Math.floor(maximum), Math.ceil(exclusiveMaximum) - 1);
};

const FORMATS: Readonly<Record<NonNullable<ParameterSchema['format']>, string>> = {
  date: '2026-01-31',
  time: '12:00:00Z',
  'date-time': '2026-01-31T12:00:00Z',
  duration: 'P1D',
  email: 'someone@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  uuid: '01a20b4c-cf47-716b-85d8-5343742576b8',
};

import type { ParameterSchema, Problem, Provider } from '../api-types.ts';
import { type Value, valueFaults } from './parameter-rules.ts';

/** The form for a new job: its fields, the body that they make, and which field an error belongs to. */

export type Field = {
  name: string;
  title: string;
  description: string | undefined;
  control: 'text' | 'password' | 'number' | 'select' | 'date' | 'email' | 'url';
  isRequired: boolean;
  /** The texts of a selection's options. Each stands for a JSON value. */
  options: string[];
  /** The default, which applies if the field is empty. */
  fallback: string | undefined;
  placeholder: string | undefined;
  /** The rules that the control does not show, in words. */
  hint: string | undefined;
  schema: ParameterSchema;
};

/** The texts typed for one provider, by parameter name. */
export type Texts = Readonly<Record<string, string>>;
export type MetadataRow = { key: string; value: string };
export type NewJob = {
  /** The chosen providers, in the order of the callback. */
  providers: string[];
  /** By provider id. Texts are kept when their provider is no longer chosen. */
  parameters: Readonly<Record<string, Texts>>;
  callbackUrl: string;
  metadata: MetadataRow[];
};

/** Messages by field id, which is one of the constants or a result of the functions below. */
export type Faults = Readonly<Record<string, string>>;
export const PROVIDERS = 'providers';
export const CALLBACK_URL = 'callbackUrl';
export const METADATA = 'metadata';
export const parameterId = (providerId: string, name: string): string => `parameter.${providerId}.${name}`;
export const providerFieldId = (providerId: string): string => `provider.${providerId}`;
export const metadataKeyId = (index: number): string => `metadata.${index}.key`;
export const metadataValueId = (index: number): string => `metadata.${index}.value`;

const MAX_PROVIDERS = 10;
const MAX_METADATA_ROWS = 20;

/** The fields for a provider's parameters, required ones first. */
export const fieldsOf = ({ parameters }: Pick<Provider, 'parameters'>): Field[] => {
  const required = new Set(parameters?.required);
  const fields = Object.entries(parameters?.properties ?? {}).map(([name, schema]) =>
    fieldOf(name, schema, required.has(name)),
  );
  return [...fields.filter(({ isRequired }) => isRequired), ...fields.filter(({ isRequired }) => !isRequired)];
};

const fieldOf = (name: string, schema: ParameterSchema & { examples?: unknown }, isRequired: boolean): Field => {
  const { title, description, default: fallback, enum: values, const: only, type } = schema;
  const options = values ?? (only === undefined ? undefined : [only]) ?? (type === 'boolean' ? [true, false] : []);
  const example = Array.isArray(schema.examples) ? schema.examples[0] : undefined;
  return {
    name,
    title: title ?? name,
    description,
    control: controlOf(schema, options.length > 0),
    isRequired,
    options: options.map(String),
    fallback: fallback === undefined ? undefined : String(fallback),
    placeholder: example === undefined ? undefined : String(example),
    hint: hintOf(schema),
    schema,
  };
};

const controlOf = ({ type, format, writeOnly }: ParameterSchema, isChoice: boolean): Field['control'] => {
  if (isChoice) return 'select';
  if (writeOnly) return 'password';
  if (type !== 'string') return 'number';
  if (format === 'date' || format === 'email') return format;
  return format === 'uri' ? 'url' : 'text';
};

const hintOf = (
  schema: ParameterSchema & { exclusiveMinimum?: number; exclusiveMaximum?: number },
): string | undefined => {
  if (schema.enum || schema.const !== undefined || schema.type === 'boolean') return undefined;
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, minLength, maxLength, pattern, format } =
    schema;
  const hints = [
    schema.type === 'integer' && 'a whole number',
    rangeOf(minimum, maximum),
    exclusiveMinimum !== undefined && `above ${exclusiveMinimum}`,
    exclusiveMaximum !== undefined && `below ${exclusiveMaximum}`,
    multipleOf !== undefined && `a multiple of ${multipleOf}`,
    rangeOf(minLength, maxLength, ' characters'),
    format !== undefined && format !== 'date' && `format: ${format}`,
    pattern !== undefined && `pattern: ${pattern}`,
  ].filter((hint) => typeof hint === 'string');
  return hints.length === 0 ? undefined : hints.join(', ');
};

const rangeOf = (least: number | undefined, most: number | undefined, unit = ''): string | undefined => {
  if (least !== undefined && most !== undefined)
    return least === most ? `${least}${unit}` : `${least} to ${most}${unit}`;
  if (least !== undefined) return `at least ${least}${unit}`;
  return most === undefined ? undefined : `at most ${most}${unit}`;
};

const BOOLEANS = new Map([
  ['true', true],
  ['false', false],
]);

/** The value that a text stands for. A text that is not a value of the type is returned unchanged: the rules reject it. */
export const typedValue = (schema: ParameterSchema, text: string): Value => {
  if (schema.type === 'string') return text;
  if (schema.type === 'boolean') return BOOLEANS.get(text) ?? text;
  const trimmed = text.trim();
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : text;
};

/** The body of `POST /webhook`. Empty fields are left out, so that the provider's defaults apply. */
export const bodyOf = ({ providers, parameters, callbackUrl, metadata }: NewJob, catalogue: readonly Provider[]) => {
  const rows = metadata.filter((row) => !isBlank(row));
  return {
    providers: providers.map((id) => {
      const values = valuesOf(catalogue.find((provider) => provider.id === id) ?? {}, parameters[id] ?? {});
      return values.length === 0 ? id : { id, parameters: Object.fromEntries(values) };
    }),
    callbackUrl: callbackUrl.trim(),
    ...(rows.length > 0 && { metadata: Object.fromEntries(rows.map(({ key, value }) => [key, value])) }),
  };
};

const valuesOf = (provider: Pick<Provider, 'parameters'>, texts: Texts): [string, Value][] =>
  fieldsOf(provider).flatMap(({ name, schema }): [string, Value][] => {
    const text = textOf(texts, name);
    return text === '' ? [] : [[name, typedValue(schema, text)]];
  });

const textOf = (texts: Texts, name: string): string => (Object.hasOwn(texts, name) ? (texts[name] ?? '') : '');

const isBlank = ({ key, value }: MetadataRow): boolean => key === '' && value === '';

/** The faults that the server would find, as far as the console can check them. */
export const faultsOf = (form: NewJob, catalogue: readonly Provider[]): Faults => ({
  ...providersFault(form),
  ...Object.fromEntries(form.providers.flatMap((id) => parameterFaultsOf(form, catalogue, id))),
  ...callbackFault(form.callbackUrl.trim()),
  ...Object.fromEntries(metadataFaultsOf(form.metadata)),
});

const providersFault = ({ providers }: NewJob): Faults => {
  if (providers.length === 0) return { [PROVIDERS]: 'Choose at least one provider' };
  return providers.length > MAX_PROVIDERS ? { [PROVIDERS]: `Choose at most ${MAX_PROVIDERS} providers` } : {};
};

const parameterFaultsOf = ({ parameters }: NewJob, catalogue: readonly Provider[], id: string): [string, string][] => {
  const texts = parameters[id] ?? {};
  const provider = catalogue.find((one) => one.id === id);
  if (!provider) return [[providerFieldId(id), 'Is no longer in the catalogue']];
  return fieldsOf(provider).flatMap(({ name, schema, isRequired }): [string, string][] => {
    const text = textOf(texts, name);
    const ruleFaults = text === '' ? [] : valueFaults(schema, typedValue(schema, text));
    const faults = text === '' && isRequired ? ['Is required'] : ruleFaults;
    return faults.length === 0 ? [] : [[parameterId(id, name), faults.join('. ')]];
  });
};

const callbackFault = (url: string): Faults => {
  const message = urlFault(url);
  return message === undefined ? {} : { [CALLBACK_URL]: message };
};

const urlFault = (url: string): string | undefined => {
  if (url === '') return 'Is required';
  if (!/^[a-z][a-z0-9+.-]*:\/\/(?!\/)[^\s\\]+$/i.test(url) || !URL.canParse(url)) return 'Must be an absolute URL';
  if (!/^https?:/i.test(url)) return 'Must begin with https://';
  if (/^[^/]+\/\/[^/?#]*@/.test(url)) return 'Must not contain a user name or a password';
  return url.includes('#') ? 'Must not have a fragment' : undefined;
};

const metadataFaultsOf = (rows: MetadataRow[]): [string, string][] =>
  rows.flatMap((row, index): [string, string][] => {
    if (isBlank(row)) return [];
    if (!/^(?!__proto__$)[A-Za-z0-9_.-]{1,64}$/.test(row.key)) {
      return [[metadataKeyId(index), 'Must have a name of 1 to 64 letters, digits, ".", "_" or "-"']];
    }
    if (rows.slice(0, index).some(({ key }) => key === row.key))
      return [[metadataKeyId(index), 'Must not be repeated']];
    return index >= MAX_METADATA_ROWS ? [[metadataKeyId(index), `Must have at most ${MAX_METADATA_ROWS} entries`]] : [];
  });

/**
 * Finds the field of each error of a 422.
 * @returns messages by field id, and messages that belong to no field
 */
export const locateErrors = (
  form: NewJob,
  errors: NonNullable<Problem['errors']>,
): { faults: Faults; others: string[] } => {
  const faults: Record<string, string> = {};
  const others: string[] = [];
  for (const { pointer, message } of errors) {
    const id = fieldIdOf(form, pointer.split('/').slice(1).map(unescapeToken));
    if (id === undefined) others.push(pointer === '' ? message : `${pointer}: ${message}`);
    else faults[id] = Object.hasOwn(faults, id) ? `${faults[id]}. ${message}` : message;
  }
  return { faults, others };
};

/** RFC 6901 §4. */
const unescapeToken = (token: string): string => token.replaceAll('~1', '/').replaceAll('~0', '~');

const fieldIdOf = ({ providers, metadata }: NewJob, [field, key, inner, name]: string[]): string | undefined => {
  switch (field) {
    case 'callbackUrl':
      return CALLBACK_URL;
    case 'providers': {
      const id = providers[Number(key)];
      if (key === undefined || id === undefined) return PROVIDERS;
      return inner === 'parameters' && name !== undefined ? parameterId(id, name) : providerFieldId(id);
    }
    case 'metadata': {
      const index = key === undefined ? -1 : metadata.findIndex((row) => row.key === key);
      return index === -1 ? METADATA : metadataKeyId(index);
    }
    default:
      return undefined;
  }
};

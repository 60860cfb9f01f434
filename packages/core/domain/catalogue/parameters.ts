import { isRecord } from '../json-values.ts';
import { MASK } from '../mask.ts';
import { formatFault } from './parameter-formats.ts';
import type { Parameters, ParametersSchema, Polling, Provider } from './provider-schema.ts';
import { pathValueFault, pathVariablesOf } from './url-template.ts';
import { ruleFaults } from './value-rules.ts';

/** One parameter of a provider's schema. */
export type ParameterSchema = ParametersSchema['properties'][string];

/** The URLs whose paths may contain parameters. */
type WithPaths = Pick<Provider, 'url'> & { polling?: Pick<Polling, 'statusUrl'> | undefined };

/** A rule that parameters break. The message does not contain the caller's values. */
export type Fault = { path: string[]; message: string };

/**
 * Everything that is wrong with the parameters posted for a provider. Values are not coerced.
 *
 * @param posted before defaults are filled in
 */
export const parameterFaults = (provider: Pick<Provider, 'parameters'> & WithPaths, posted: unknown): Fault[] => {
  const { parameters } = provider;
  if (!isRecord(posted)) return [{ path: [], message: 'Must be an object' }];
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
export const valueFaults = (schema: ParameterSchema, value: unknown, isInPath: boolean): string[] =>
  ruleFaults(schema, value, { format: formatFault, ...(isInPath && { also: pathValueFault }) });

/** The values that are sent: the posted ones, and defaults for the others. */
export const withDefaults = ({ parameters }: Pick<Provider, 'parameters'>, posted: Parameters): Parameters => {
  const defaults = Object.entries(parameters?.properties ?? {}).flatMap(([name, { default: value }]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(defaults), ...posted };
};

const isSecret = (provider: Pick<Provider, 'parameters'> | undefined, name: string): boolean => {
  const schema = schemaOf(provider?.parameters, name);
  return schema === undefined || schema.writeOnly === true;
};

/**
 * The sent values that must not be shown: those of `writeOnly` parameters, defaults included.
 *
 * @param provider undefined if it is no longer in the catalogue: then all parameters are unknown, and count as `writeOnly`.
 */
export const writeOnlyValues = (provider: Pick<Provider, 'parameters'> | undefined, posted: Parameters): string[] =>
  Object.entries(provider ? withDefaults(provider, posted) : posted)
    .filter(([name]) => isSecret(provider, name))
    .map(([, value]) => String(value));

/**
 * Parameters in a form safe to show, with `***` in place of `writeOnly` values.
 *
 * @param provider undefined if it is no longer in the catalogue: then all parameters are unknown, and count as `writeOnly`.
 */
export const maskWriteOnly = (provider: Pick<Provider, 'parameters'> | undefined, posted: Parameters): Parameters =>
  Object.fromEntries(
    Object.entries(posted).map(([name, value]) => [name, isSecret(provider, name) ? MASK : value] as const),
  );

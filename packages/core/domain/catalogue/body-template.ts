import type { Parameters, Provider } from './provider-schema.ts';

type Json = NonNullable<Provider['body']> | null;

/** A string that is one variable. */
const VARIABLE = /^\{([A-Za-z]\w{0,39})\}$/;
/** Variables within a longer string, which are not replaced. */
const EMBEDDED_VARIABLES = /\{([A-Za-z]\w{0,39})\}/g;

/** The parameter's name, if the whole string is `{name}`. */
const variableOf = (value: Json): string | undefined =>
  typeof value === 'string' ? VARIABLE.exec(value)?.[1] : undefined;

/** The parameters in a body template. */
export const bodyVariablesOf = (body: Json | undefined): ReadonlySet<string> => {
  const names = new Set<string>();
  const visit = (value: Json): void => {
    const name = variableOf(value);
    if (name !== undefined) names.add(name);
    else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) visit(part as Json);
  };
  if (body !== undefined) visit(body);
  return names;
};

type BodyFault = { path: (string | number)[]; message: string };

/** Everything that is wrong with a body template, with paths relative to the body. */
export const bodyFaults = ({ body, parameters }: Pick<Provider, 'body' | 'parameters'>): BodyFault[] => {
  const faults: BodyFault[] = [];
  const propertyOf = (name: string) =>
    parameters && Object.hasOwn(parameters.properties, name) ? parameters.properties[name] : undefined;
  /** The first declared parameter in a text that is not itself a variable. */
  const embedded = (text: string): string | undefined =>
    [...text.matchAll(EMBEDDED_VARIABLES)].map(([, name = '']) => name).find(propertyOf);
  const variableFault = (name: string, canBeLeftOut: boolean): string | undefined => {
    const property = propertyOf(name);
    if (!property) return `Must declare {${name}} in parameters`;
    const alwaysHasValue = property.default !== undefined || parameters?.required?.includes(name);
    if (canBeLeftOut || alwaysHasValue) return undefined;
    return `Must not use {${name}} outside an object's property unless it is required or has a default`;
  };
  const scalarFault = (value: string | number, canBeLeftOut: boolean): string | undefined => {
    if (typeof value === 'number') {
      const isExact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
      return isExact ? undefined : `Must be between ${Number.MIN_SAFE_INTEGER} and ${Number.MAX_SAFE_INTEGER}`;
    }
    const name = variableOf(value);
    if (name !== undefined) return variableFault(name, canBeLeftOut);
    const inside = embedded(value);
    return inside && `Must be the whole string {${inside}}: inside a longer one it would not be replaced`;
  };
  const visit = (value: Json, path: BodyFault['path'], canBeLeftOut: boolean): void => {
    if (typeof value === 'string' || typeof value === 'number') {
      const message = scalarFault(value, canBeLeftOut);
      if (message !== undefined) faults.push({ path, message });
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) visit(item as Json, [...path, index], false);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, property] of Object.entries(value)) {
        const inside = embedded(key);
        if (inside !== undefined) {
          faults.push({ path: [...path, key], message: `Must not use {${inside}} in a property's name` });
        }
        visit(property as Json, [...path, key], true);
      }
    }
  };
  if (body !== undefined) visit(body, [], false);
  return faults;
};

/**
 * Fills a request's body: each string of the form `{name}` becomes that parameter's value, with its type. A property whose
 * parameter has no value is left out.
 *
 * @param body a template without faults
 * @param values by parameter name, defaults filled in
 * @returns JSON
 */
export const fillBody = (body: Json, values: Parameters): string =>
  JSON.stringify(body, (_key, value: Json) => {
    const name = variableOf(value);
    if (name === undefined) return value;
    return Object.hasOwn(values, name) ? values[name] : undefined;
  });

import type { Parameters, Provider } from './provider-schema.ts';

type Json = NonNullable<Provider['body']> | null;

const WHOLE = /^\{([A-Za-z]\w{0,39})\}$/;
const ANYWHERE = /\{([A-Za-z]\w{0,39})\}/g;

/** The parameter's name, if the whole string is `{name}`. */
const variableOf = (value: Json): string | undefined =>
  typeof value === 'string' ? WHOLE.exec(value)?.[1] : undefined;

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

/** Everything that is wrong with a body template, with paths relative to the body. */
export const bodyFaults = ({
  body,
  parameters,
}: Pick<Provider, 'body' | 'parameters'>): { path: (string | number)[]; message: string }[] => {
  const faults: { path: (string | number)[]; message: string }[] = [];
  const propertyOf = (name: string) =>
    parameters && Object.hasOwn(parameters.properties, name) ? parameters.properties[name] : undefined;
  const embedded = (text: string): string | undefined =>
    [...text.matchAll(ANYWHERE)].map(([, name = '']) => name).find(propertyOf);
  const visit = (value: Json, path: (string | number)[], canBeLeftOut: boolean): void => {
    const fail = (message: string): void => void faults.push({ path, message });
    const name = variableOf(value);
    if (name !== undefined) {
      const property = propertyOf(name);
      const alwaysHasValue = property?.default !== undefined || parameters?.required?.includes(name);
      if (!property) fail(`Must declare {${name}} in parameters`);
      else if (!canBeLeftOut && !alwaysHasValue) {
        fail(`Must not use {${name}} outside an object's property unless it is required or has a default`);
      }
    } else if (typeof value === 'string') {
      const inside = embedded(value);
      if (inside !== undefined)
        fail(`Must be the whole string {${inside}}: inside a longer one it would not be replaced`);
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
        fail(`Must be between ${Number.MIN_SAFE_INTEGER} and ${Number.MAX_SAFE_INTEGER}`);
      }
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

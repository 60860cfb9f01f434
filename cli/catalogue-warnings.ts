import { variableOf } from '@boomerang/core/adapters/secrets.ts';
import { bodyVariablesOf } from '@boomerang/core/domain/catalogue/body-template.ts';
import type { Catalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import type { CatalogueFault } from '@boomerang/core/domain/catalogue/fault.ts';
import type { Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { pathVariablesOf, variablesOf } from '@boomerang/core/domain/catalogue/url-template.ts';

/**
 * Finds catalogue entries that are valid, but probably mistakes.
 *
 * @param environment the environment variables that hold the secrets of the embedded cloud
 */
export const findWarnings = (catalogue: Catalogue, environment: NodeJS.ProcessEnv): CatalogueFault[] =>
  [...catalogue.values()].flatMap((provider, index) =>
    [...unusedParameters(provider), ...slowPolling(provider), ...unsetSecret(provider, environment)].map(
      ({ path, message }) => ({ path: ['providers', index, ...path], message }),
    ),
  );

const unusedParameters = ({ parameters, url, body, polling }: Provider): CatalogueFault[] => {
  const templates = [url, ...(polling && 'template' in polling.statusUrl ? [polling.statusUrl.template] : [])];
  const inTemplates = new Set(templates.flatMap((template) => [...variablesOf(template)]));
  const inBody = bodyVariablesOf(body);
  const inQuery = (name: string) => templates.some((template) => isInQuery(template, name));
  return Object.entries(parameters?.properties ?? {}).flatMap(([name, { as }]): CatalogueFault[] => {
    const path = ['parameters', 'properties', name];
    if (!inTemplates.has(name) && !inBody.has(name)) {
      return [{ path, message: 'Is not used: no URL or body contains it' }];
    }
    return as === undefined || inQuery(name)
      ? []
      : [{ path: [...path, 'as'], message: 'Is not used: the parameter is not in {?…} or {&…}' }];
  });
};

const isInQuery = (template: string, name: string): boolean =>
  variablesOf(template).has(name) &&
  !pathVariablesOf(template).has(name) &&
  new RegExp(`\\{[?&][^}]*\\b${name}\\b`).test(template);

const slowPolling = ({ polling }: Provider): CatalogueFault[] =>
  polling && polling.intervalSeconds > polling.timeoutSeconds
    ? [
        {
          path: ['polling'],
          message: 'Times out before the first poll: intervalSeconds is greater than timeoutSeconds',
        },
      ]
    : [];

const unsetSecret = ({ auth }: Provider, environment: NodeJS.ProcessEnv): CatalogueFault[] => {
  if (!auth || environment[variableOf(auth.secret)]?.trim()) return [];
  const message = `Is not set here: ${variableOf(auth.secret)} (on AWS: the SSM parameter /<stack name>/providers/${auth.secret})`;
  return [{ path: ['auth', 'secret'], message }];
};

import { createResolver, type Template } from './template.ts';

const SECRET_VARIABLES = ['REPORTS_CLIENT_SECRET'];

/** The secrets of mock providers, which the template sets for the local stage, by variable. */
export const readLocalSecrets = (template: Template): Record<string, string> => {
  const resolve = createResolver(template, { parameters: { Stage: 'local' }, ref: String, getAtt: String });
  const environment = resolve(template.Resources.ProviderFetchFunction?.Properties?.Environment);
  const { Variables } = environment as { Variables: Record<string, string> };
  return Object.fromEntries(SECRET_VARIABLES.map((name) => [name, Variables[name] ?? '']));
};

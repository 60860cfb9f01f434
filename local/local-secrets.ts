import { createResolver, type Template } from './template.ts';

/** Secrets of mock providers: the template has them for the local stage. Those of other providers come from outside. */
const NAMES = ['REPORTS_CLIENT_SECRET'];

/** The secrets that the local stage has by itself, by the variables that hold them. */
export const readLocalSecrets = (template: Template): Record<string, string> => {
  const resolve = createResolver(template, { parameters: { Stage: 'local' }, ref: String, getAtt: String });
  const environment = resolve(template.Resources.ProviderFetchFunction?.Properties?.Environment);
  const { Variables } = environment as { Variables: Record<string, string> };
  return Object.fromEntries(NAMES.map((name) => [name, Variables[name] ?? '']));
};

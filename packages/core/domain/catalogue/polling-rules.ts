import type { CatalogueFault } from './fault.ts';
import type { Polling, Provider } from './provider-schema.ts';
import { originOf, queryNameFaults, queryNamesOf, syntaxFaults, variableFaults, variablesOf } from './url-template.ts';

const STATUS_LISTS = ['pending', 'succeeded', 'failed'] as const;

/** The variable of a status URL whose value comes from the provider's response. */
export const TICKET_VARIABLE = 'id';

/** Faults in `polling`, with paths relative to the provider. */
export const pollingFaults = (provider: Provider): CatalogueFault[] => {
  const { polling } = provider;
  if (!polling) return [];
  return [...statusFaults(polling), ...statusUrlFaults(provider, polling)].map(({ path, message }) => ({
    path: ['polling', ...path],
    message,
  }));
};

const statusFaults = (polling: Polling): CatalogueFault[] => {
  if (polling.statusAt === undefined) {
    return STATUS_LISTS.filter((list) => polling[list].length > 0).map((list) => ({
      path: [list],
      message: 'Must come with statusAt',
    }));
  }
  const hasNoSuccess = polling.succeeded.length === 0;
  return [
    ...(hasNoSuccess ? [{ path: ['succeeded'], message: 'Must have at least 1 item if statusAt is set' }] : []),
    ...STATUS_LISTS.flatMap((list, listIndex) =>
      polling[list].flatMap((status, index) => {
        const other = STATUS_LISTS.slice(0, listIndex).find((earlier) => polling[earlier].includes(status));
        return other === undefined ? [] : [{ path: [list, index], message: `Must not also be in ${other}` }];
      }),
    ),
  ];
};

const statusUrlFaults = ({ url, parameters, auth }: Provider, { statusUrl }: Polling): CatalogueFault[] => {
  if (!('template' in statusUrl)) return [];
  const { template } = statusUrl;
  const path = ['statusUrl', 'template'];
  const syntax = syntaxFaults(template);
  const messages = syntax.length > 0 ? syntax : templateFaults(template, { url, parameters, auth });
  const isNameUsed = parameters && Object.hasOwn(parameters.properties, TICKET_VARIABLE);
  const nameUsed = `Must not come with a parameter named ${TICKET_VARIABLE}: {${TICKET_VARIABLE}} is read from the response`;
  return [...messages, ...(isNameUsed ? [nameUsed] : [])].map((message) => ({ path, message }));
};

/** Faults of a status URL template whose syntax is valid. */
const templateFaults = (
  template: string,
  { url, parameters, auth }: Pick<Provider, 'url' | 'parameters' | 'auth'>,
): string[] => {
  const hasCredentialName = auth?.kind === 'query' && queryNamesOf(template, parameters).includes(auth.parameter);
  return [
    ...variableFaults(template, parameters, new Set([TICKET_VARIABLE])),
    ...queryNameFaults(template, parameters),
    ...(originOf(template) === originOf(url) ? [] : ['Must have the same origin as the url']),
    ...(variablesOf(template).has(TICKET_VARIABLE) ? [] : [`Must contain {${TICKET_VARIABLE}}`]),
    ...(hasCredentialName ? ["Must not have the credential's query parameter"] : []),
  ];
};

import type {
  Auth,
  Pagination,
  ParametersSchema,
  Polling,
  Provider,
} from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { MASK } from '@boomerang/core/domain/mask.ts';
import { formatFault, placeholdersOf, readCatalogueFile } from './catalogue-file.ts';
import { CATALOGUE_ARGUMENT, CATALOGUE_ENVIRONMENT, catalogueFileOf } from './catalogue-options.ts';
import { type Command, readArguments } from './command.ts';

/** `npm run providers -- list`: prints a catalogue in readable form. */

export const LIST_PROVIDERS = {
  name: 'npm run providers',
  about: 'Lists the providers of a catalogue: parameters, requests, and the names of their secrets.',
  arguments: `list ${CATALOGUE_ARGUMENT}`,
  options: { json: { type: 'boolean', about: 'print JSON, with all fields and defaults' } },
  environment: CATALOGUE_ENVIRONMENT,
  exitCodes: { 1: 'the catalogue has errors', 2: 'wrong usage, or the file cannot be read' },
} as const satisfies Command;

export const listProviders = async (args: string[]): Promise<void> => {
  const { values, positionals } = readArguments(LIST_PROVIDERS, args);
  const file = catalogueFileOf(LIST_PROVIDERS, positionals);
  const { catalogue, faults } = readCatalogueFile(file, placeholdersOf(process.env));
  if (!catalogue) {
    for (const fault of faults) console.error(`${file}:${formatFault(fault)}`);
    process.exitCode = 1;
    return;
  }
  const providers = [...catalogue.values()].map(withoutSecrets);
  const text = values.json ? JSON.stringify(providers, null, 2) : providers.map(describeProvider).join('\n\n');
  process.stdout.write(`${text}\n`);
};

/** Masks headers that look like credentials, defaults of `writeOnly` parameters, and user info in URLs. */
const withoutSecrets = (provider: Provider): Provider => {
  const { parameters, headers, polling } = provider;
  return {
    ...provider,
    url: withoutUserInfo(provider.url),
    ...(parameters && { parameters: withoutSecretDefaults(parameters) }),
    ...(headers && { headers: withoutCredentials(headers) }),
    ...(polling && { polling: withoutUserInfoOfTemplate(polling) }),
  };
};

const withoutUserInfo = (url: string): string => url.replace(/^(https?:\/\/)[^/?#@]*@/i, `$1${MASK}@`);

const withoutUserInfoOfTemplate = (polling: Polling): Polling => {
  const { statusUrl } = polling;
  if (!('template' in statusUrl)) return polling;
  return { ...polling, statusUrl: { ...statusUrl, template: withoutUserInfo(statusUrl.template) } };
};

const withoutCredentials = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      /auth|cookie|key|password|secret|session|token/i.test(name) ? MASK : value,
    ]),
  );

const withoutSecretDefaults = (parameters: ParametersSchema): ParametersSchema => ({
  ...parameters,
  properties: Object.fromEntries(
    Object.entries(parameters.properties).map(([name, property]) => [
      name,
      property.writeOnly && property.default !== undefined ? { ...property, default: MASK } : property,
    ]),
  ),
});

const WIDTH = 12;

const describeProvider = (provider: Provider): string => {
  const { id, title, description, method, url, parameters, auth, pagination, polling } = provider;
  const rows: [string, string][] = [
    ['request', `${method} ${url}`],
    ...Object.entries(parameters?.properties ?? {}).map(([name, property], index): [string, string] => [
      index === 0 ? 'parameters' : '',
      describeParameter(name, property, parameters?.required?.includes(name) ?? false),
    ]),
    ...(auth ? [['credential', describeAuth(auth)] as [string, string]] : []),
    ...(pagination ? [['pages', describePages(pagination)] as [string, string]] : []),
    ...(polling ? [['polling', describePolling(polling)] as [string, string]] : []),
  ];
  const lines = rows.map(([name, value]) => `  ${name.padEnd(WIDTH)}${value}`);
  return [[id, ...(title ? [title] : [])].join('  '), ...(description ? [`  ${description}`] : []), ...lines].join(
    '\n',
  );
};

type Property = ParametersSchema['properties'][string];

const describeParameter = (name: string, property: Property, isRequired: boolean): string => {
  const { type, format, minimum, maximum, enum: values, pattern, writeOnly, as } = property;
  const range = minimum !== undefined || maximum !== undefined ? ` ${minimum ?? ''}..${maximum ?? ''}` : '';
  const notes = [
    `${format ?? type}${range}`,
    ...(isRequired ? ['required'] : []),
    ...(writeOnly ? ['never shown'] : []),
    ...(values ? [`one of ${values.map((value) => JSON.stringify(value)).join(', ')}`] : []),
    ...(pattern === undefined ? [] : [`matches ${pattern}`]),
    ...(as === undefined ? [] : [`sent as ${as}`]),
    ...(property.default === undefined ? [] : [`default ${JSON.stringify(property.default)}`]),
  ];
  return `${name}: ${notes.join(', ')}`;
};

const describeAuth = (auth: Auth): string => {
  const secret = `secret ${auth.secret}`;
  switch (auth.kind) {
    case 'header':
      return `header ${auth.header}${auth.prefix === '' ? '' : ` (${auth.prefix}…)`}, ${secret}`;
    case 'query':
      return `query parameter ${auth.parameter}, ${secret}`;
    case 'basic':
      return `HTTP Basic, user ${auth.username}, ${secret}`;
    case 'oauth2':
      return `OAuth client credentials of ${auth.clientId} at ${auth.tokenUrl}, ${secret}`;
  }
};

const describeCursor = ({ cursorAt, lastItemAt }: Extract<Pagination, { kind: 'cursor' }>): string =>
  lastItemAt === undefined ? `"${cursorAt}"` : `"${lastItemAt}" in the last item`;

const describePages = (pagination: Pagination): string => {
  const items = `items at "${pagination.itemsAt}", at most ${pagination.maxPages} pages`;
  switch (pagination.kind) {
    case 'link':
      return `Link header, ${items}`;
    case 'next-url':
      return `next URL at "${pagination.nextUrlAt}", ${items}`;
    case 'cursor':
      return `cursor at ${describeCursor(pagination)}, sent as ${pagination.parameter}, ${items}`;
    case 'page':
      return `page numbers from ${pagination.firstPage}, sent as ${pagination.parameter}, ${items}`;
    case 'offset':
      return `offsets in steps of ${pagination.pageSize}, sent as ${pagination.parameter}, ${items}`;
  }
};

const describePolling = ({ statusUrl, intervalSeconds, timeoutSeconds }: Polling): string => {
  return `status at ${describeStatusUrl(statusUrl)}, every ${intervalSeconds} s, for ${timeoutSeconds} s`;
};

const describeStatusUrl = (statusUrl: Polling['statusUrl']): string => {
  if ('from' in statusUrl) return 'the Location header';
  return 'at' in statusUrl ? `"${statusUrl.at}"` : statusUrl.template;
};

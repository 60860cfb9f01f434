import { bodyFaults } from './body-template.ts';
import type { CatalogueFault } from './fault.ts';
import { parameterRuleFaults, wireNameFaults } from './parameter-rules.ts';
import { pollingFaults } from './polling-rules.ts';
import type { Pagination, Provider } from './provider-schema.ts';
import { hasUserInfo, queryNameFaults, queryNamesOf, syntaxFaults, variableFaults } from './url-template.ts';

type Path = CatalogueFault['path'];
type Field = keyof Provider;

/** A rule about several fields. */
type Rule = {
  /** The rule is skipped if one of these fields is invalid on its own. */
  reads: readonly Field[];
  find: (provider: Provider) => CatalogueFault[];
};

const fault = (path: Path, message: string): CatalogueFault => ({ path, message });
const faultIf = (isFault: boolean, path: Path, message: string): CatalogueFault[] =>
  isFault ? [fault(path, message)] : [];

/**
 * Finds faults in a provider whose fields match the schema: in its URL template, and in combinations of fields.
 *
 * @param faulty fields with known faults of their own: rules that read them are skipped
 * @returns faults with paths relative to the provider
 */
export const providerFaults = (provider: Provider, faulty: ReadonlySet<string> = new Set()): CatalogueFault[] => {
  const syntax = faulty.has('url') ? [] : syntaxFaults(provider.url).map((message) => fault(['url'], message));
  const skipped = syntax.length > 0 ? new Set([...faulty, 'url']) : faulty;
  const rules = RULES.filter(({ reads }) => !reads.some((field) => skipped.has(field)));
  return [...syntax, ...rules.flatMap(({ find }) => find(provider))];
};

/** A POST may reach a provider twice: after a lost response or a crash. */
const methodRule: Rule = {
  reads: ['method', 'idempotencyHeader', 'repeatable'],
  find: ({ method, idempotencyHeader, repeatable }) =>
    method === 'POST'
      ? faultIf(
          idempotencyHeader === undefined && !repeatable,
          ['method'],
          'Must come with idempotencyHeader or "repeatable": true, because a POST may be sent twice',
        )
      : [
          ...faultIf(idempotencyHeader !== undefined, ['idempotencyHeader'], 'Must come with "method": "POST"'),
          ...faultIf(repeatable, ['repeatable'], 'Must come with "method": "POST"'),
        ],
};

const bodyMethodRule: Rule = {
  reads: ['method', 'body'],
  find: ({ method, body }) =>
    faultIf(method === 'GET' && body !== undefined, ['body'], 'Must come with "method": "POST"'),
};

const bodyRule: Rule = {
  reads: ['body', 'parameters'],
  find: (provider) => bodyFaults(provider).map(({ path, message }) => fault(['body', ...path], message)),
};

const urlRule: Rule = {
  reads: ['url', 'parameters'],
  find: ({ url, parameters }) => {
    const areNamesUnique = !parameters || wireNameFaults(parameters).length === 0;
    return [...variableFaults(url, parameters), ...(areNamesUnique ? queryNameFaults(url, parameters) : [])].map(
      (message) => fault(['url'], message),
    );
  },
};

/** Whether a header can carry a value (RFC 9110 §5.5). */
const isSendable = (value: string): boolean => /^[\t\x20-\x7E\x80-\xFF]*$/.test(value);

/** Headers that control the framing, encoding or range of messages. A catalogue must not set them. */
const HTTP_CLIENT_HEADERS = new Set([
  'accept-encoding',
  'content-encoding',
  'expect',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'te',
  'trailer',
]);

/** Headers with a meaning of their own, which can't also carry an idempotency value. */
const STANDARD_HEADERS = new Set(['accept', 'authorization', 'content-type', 'cookie', 'user-agent']);

const headerRule: Rule = {
  reads: ['headers'],
  find: ({ headers = {} }) =>
    Object.entries(headers).flatMap(([name, value]) => [
      ...faultIf(!isSendable(value), ['headers', name], 'Must have only characters that a header can carry'),
      ...faultIf(
        HTTP_CLIENT_HEADERS.has(name.toLowerCase()),
        ['headers', name],
        'Must not be a header of the HTTP client',
      ),
    ]),
};

/** A header that a provider sets, and the field of the catalogue that sets it. */
type NamedHeader = [name: string, path: Path];

const authHeaders = (auth: Provider['auth']): NamedHeader[] => {
  if (!auth || auth.kind === 'query') return [];
  return auth.kind === 'header' ? [[auth.header, ['auth', 'header']]] : [['authorization', ['auth']]];
};

const headerNameRule: Rule = {
  reads: ['headers', 'auth', 'idempotencyHeader', 'method', 'body'],
  find: ({ headers = {}, auth, idempotencyHeader, body }) => {
    const idempotency = idempotencyHeader?.toLowerCase() ?? '';
    const named: NamedHeader[] = [
      ...authHeaders(auth),
      ...(idempotencyHeader === undefined ? [] : [[idempotencyHeader, ['idempotencyHeader']] satisfies NamedHeader]),
      ...Object.keys(headers).map((name): NamedHeader => [name, ['headers', name]]),
    ];
    const lower = named.map(([name]) => name.toLowerCase());
    const repeated = named.filter((_, index) => lower.indexOf(lower[index] ?? '') < index);
    return [
      ...repeated.map(([name, path]) => fault(path, `Must be the only "${name.toLowerCase()}" header`)),
      ...faultIf(
        body !== undefined && auth?.kind === 'header' && auth.header.toLowerCase() === 'content-type',
        ['auth', 'header'],
        'Must not be the content-type of the body',
      ),
      ...faultIf(
        HTTP_CLIENT_HEADERS.has(idempotency) || STANDARD_HEADERS.has(idempotency),
        ['idempotencyHeader'],
        'Must be a dedicated header, such as idempotency-key',
      ),
    ];
  },
};

/** User info in a URL is sent as an authorization header. */
const userInfoRule: Rule = {
  reads: ['headers', 'url'],
  find: ({ headers = {}, url }) =>
    Object.keys(headers)
      .filter((name) => name.toLowerCase() === 'authorization' && hasUserInfo(url))
      .map((name) => fault(['headers', name], 'Must not come with user info in the url')),
};

const credentialRule: Rule = {
  reads: ['auth', 'url'],
  find: ({ auth, url }) => {
    if (!auth) return [];
    const userInfoFaults = (): CatalogueFault[] =>
      faultIf(hasUserInfo(url), ['auth'], 'Must not come with user info in the url');
    switch (auth.kind) {
      case 'header':
        return faultIf(
          !isSendable(auth.prefix),
          ['auth', 'prefix'],
          'Must have only characters that a header can carry',
        );
      case 'query':
        return [];
      case 'basic':
        return [
          ...userInfoFaults(),
          ...faultIf(
            /[:\p{Cc}]/u.test(auth.username) || !auth.username.isWellFormed(),
            ['auth', 'username'],
            'Must have no ":" and no control characters (RFC 7617)',
          ),
        ];
      case 'oauth2':
        return [
          ...userInfoFaults(),
          ...faultIf(auth.tokenUrl.includes('#'), ['auth', 'tokenUrl'], 'Must have no fragment'),
          ...faultIf(/[{}]/.test(auth.tokenUrl), ['auth', 'tokenUrl'], 'Must have no variables'),
          ...faultIf(hasUserInfo(auth.tokenUrl), ['auth', 'tokenUrl'], 'Must have no user info: use clientId'),
        ];
    }
  },
};

const queryNameRule: Rule = {
  reads: ['url', 'parameters', 'auth', 'pagination'],
  find: ({ url, parameters, auth, pagination }) => {
    const inTemplate = new Set(queryNamesOf(url, parameters));
    const credential = auth?.kind === 'query' ? auth.parameter : undefined;
    const page = pagination && 'parameter' in pagination ? pagination.parameter : undefined;
    return [
      ...faultIf(
        credential !== undefined && inTemplate.has(credential),
        ['auth', 'parameter'],
        'Must not be in the query of the url',
      ),
      ...faultIf(
        page !== undefined && inTemplate.has(page),
        ['pagination', 'parameter'],
        'Must not be in the query of the url',
      ),
      ...faultIf(
        page !== undefined && page === credential,
        ['pagination', 'parameter'],
        'Must not be the parameter of the credential',
      ),
    ];
  },
};

const paginationRule: Rule = {
  reads: ['pagination', 'polling', 'dataAt', 'method', 'repeatable'],
  find: ({ pagination, polling, dataAt, method, repeatable }) =>
    pagination
      ? [
          ...faultIf(polling !== undefined, ['pagination'], 'Must not come with polling'),
          ...faultIf(
            method === 'POST' && !repeatable,
            ['pagination'],
            'Must come with "repeatable": true for a POST: each page would carry the same idempotency value',
          ),
          ...faultIf(
            dataAt !== undefined && pagination.itemsAt !== '',
            ['pagination', 'itemsAt'],
            'Must not come with dataAt: the items are delivered instead',
          ),
          ...cursorFaults(pagination),
        ]
      : [],
};

/** A cursor is read from exactly one place. */
const cursorFaults = (pagination: Pagination): CatalogueFault[] => {
  if (pagination.kind !== 'cursor') return [];
  const { cursorAt, lastItemAt } = pagination;
  return [
    ...faultIf(cursorAt === undefined && lastItemAt === undefined, ['pagination'], 'Must have cursorAt or lastItemAt'),
    ...faultIf(
      cursorAt !== undefined && lastItemAt !== undefined,
      ['pagination', 'lastItemAt'],
      'Must not come with cursorAt',
    ),
  ];
};

const RULES: readonly Rule[] = [
  // Also reads `url` and `polling`, but only for the parameters in their paths, which are found even if the URLs are faulty.
  { reads: ['parameters'], find: parameterRuleFaults },
  urlRule,
  methodRule,
  headerRule,
  headerNameRule,
  bodyMethodRule,
  bodyRule,
  userInfoRule,
  credentialRule,
  queryNameRule,
  paginationRule,
  { reads: ['polling', 'url', 'parameters', 'auth'], find: pollingFaults },
];

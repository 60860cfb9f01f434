import type { Provider, ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import type { Random } from '@boomerang/core/domain/random.ts';
import { aCatalogue } from '../builders.ts';
import type { HistoryEvent } from './history.ts';
import { PAGED, PAGINATION } from './paged-provider.ts';

export const PROVIDERS = ['gas', 'internet', 'water', 'report', PAGED] as const;
/** The provider whose work is polled. */
export const POLLED = 'report';
/** The polling settings of that provider. Its work takes up to 1.5 times the timeout. */
export const POLLING: NonNullable<ProviderInput['polling']> & { timeoutSeconds: number } = {
  statusUrl: 'location',
  statusAt: '/status',
  pending: ['RUNNING'],
  succeeded: ['DONE'],
  failed: ['FAILED'],
  intervalSeconds: 300,
  timeoutSeconds: 900,
};

/** The provider whose parameter is renamed, and the one that is removed from the catalogue. */
const RENAMED = 'gas';
const REMOVED = 'water';

/** Each provider has a parameter, so that a request identifies its job. */
const withParameter = (name: string) => ({
  parameters: { type: 'object' as const, properties: { [name]: { type: 'string' as const, writeOnly: true } } },
});

/** A provider with its own host. The secret of a credential is named after its host. */
const providerEntry = (id: string, host = id, parameter = 'account'): Partial<ProviderInput> => ({
  id,
  url: `https://${host}.example/{?${parameter}}`,
  ...withParameter(parameter),
  ...(id === REMOVED && { concurrency: 2, ratePerSecond: 2 }),
  ...(id === PAGED && { ratePerSecond: 3, pagination: PAGINATION }),
  ...(id === POLLED && {
    method: 'POST' as const,
    idempotencyHeader: 'idempotency-key',
    dataAt: '/report',
    polling: POLLING,
    auth: { kind: 'header', header: 'authorization', prefix: 'Bearer ', secret: host },
  }),
});

const EDITS = {
  'as it was': (id: string) => providerEntry(id),
  'parameter renamed': (id: string) => providerEntry(id, id, id === RENAMED ? 'customer' : 'account'),
  'provider gone': (id: string) => (id === REMOVED ? undefined : providerEntry(id)),
  'polling moved': (id: string) => providerEntry(id, id === POLLED ? `${id}-new` : id),
} as const;

/** A catalogue, named after how it differs from the initial one. */
export type CatalogueName = keyof typeof EDITS;
const INITIAL: CatalogueName = 'as it was';

const readEdit = (edit: (id: string) => Partial<ProviderInput> | undefined): Map<string, Provider> =>
  aCatalogue(...PROVIDERS.flatMap((id) => edit(id) ?? []));

export const CATALOGUES = Object.fromEntries(
  Object.entries(EDITS).map(([name, edit]) => [name, readEdit(edit)]),
) as Record<CatalogueName, Map<string, Provider>>;

/** The origin of a provider in a catalogue; undefined if the catalogue lacks it. */
export const originIn = (catalogueName: CatalogueName, providerId: string): string | undefined => {
  const provider = CATALOGUES[catalogueName].get(providerId);
  return provider && new URL(provider.url.replace(/\{.*$/, '')).origin;
};

/** The parameter of a provider in a catalogue; undefined if the catalogue lacks the provider. */
export const parameterIn = (catalogueName: CatalogueName, providerId: string): string | undefined =>
  Object.keys(CATALOGUES[catalogueName].get(providerId)?.parameters?.properties ?? {})[0];

/** The authorization header expected for an origin. */
export const credentialFor = (providerId: string, { hostname }: URL): string | undefined =>
  providerId === POLLED ? `Bearer ${secretOf(hostname.replace('.example', ''))}` : undefined;

export const secretOf = (name: string): string => `secret of ${name}`;

/** A deployment: between `from` and `until`, some processes have the new catalogue and some the previous one. */
export type Deployment = { catalogueName: CatalogueName; from: number; until: number };

const MINUTE = 60_000;

/** In one of four seeds the catalogue changes: it is edited, edited and reverted, or reverted after an edit before the start. */
export const drawDeployments = (random: Random, start: number): Deployment[] => {
  const [isEdited, shape] = [random() < 0.25, Math.floor(random() * 3)];
  const edits = Object.keys(EDITS).filter((name) => name !== INITIAL) as CatalogueName[];
  const catalogueName = edits[Math.floor(random() * edits.length)] ?? INITIAL;
  const deploy = (target: CatalogueName, from: number): Deployment => ({
    catalogueName: target,
    from,
    until: from + random() * 10 * MINUTE,
  });
  const edit = deploy(catalogueName, shape === 0 ? start - 20 * MINUTE : start + random() * 60 * MINUTE);
  const revert = deploy(INITIAL, edit.until + (shape === 0 ? 20 : 5 + random() * 90) * MINUTE);
  if (!isEdited) return [];
  return shape === 1 ? [edit] : [edit, revert];
};

/** The catalogues with which processes may run between two times, the latest last. */
export const cataloguesIn = (deployments: readonly Deployment[], from: number, to = from): CatalogueName[] => {
  const all = [{ catalogueName: INITIAL, from: 0, until: 0 }, ...deployments];
  return all
    .filter((deployment, index) => deployment.from <= to && (all[index + 1]?.until ?? Number.POSITIVE_INFINITY) > from)
    .map(({ catalogueName }) => catalogueName);
};

/** The deployments of a history. */
export const deploymentsOf = (events: readonly HistoryEvent[]): Deployment[] =>
  events.flatMap((event) => (event.kind === 'deployed' ? [event] : []));

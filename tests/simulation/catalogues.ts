import type { Provider, ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import type { Random } from '@boomerang/core/domain/random.ts';
import { aCatalogue } from '../builders.ts';
import type { HistoryEvent } from './history.ts';
import { PAGED, PAGINATION } from './paged-provider.ts';

export const PROVIDERS = ['gas', 'internet', 'water', 'report', PAGED] as const;
/** The provider that is polled. */
export const POLLED = 'report';
/** How it is polled; its work takes up to half as long again. */
export const POLLING: NonNullable<ProviderInput['polling']> & { timeoutSeconds: number } = {
  statusUrl: 'location',
  statusAt: '/status',
  pending: ['RUNNING'],
  succeeded: ['DONE'],
  failed: ['FAILED'],
  intervalSeconds: 300,
  timeoutSeconds: 900,
};

/** The provider whose parameter gets another name, and the one that leaves the catalogue. */
const RENAMED = 'gas';
const LEAVING = 'water';

/** Each takes a parameter, so that a request shows whose data it asks for. */
const takes = (name: string) => ({
  parameters: { type: 'object' as const, properties: { [name]: { type: 'string' as const, writeOnly: true } } },
});

/** A provider at a host of its own. The secret of a credential is named like the host that it is for. */
const at = (id: string, host = id, parameter = 'account'): Partial<ProviderInput> => ({
  id,
  url: `https://${host}.example/{?${parameter}}`,
  ...takes(parameter),
  ...(id === LEAVING && { concurrency: 2, ratePerSecond: 2 }),
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
  'as it was': (id: string) => at(id),
  'parameter renamed': (id: string) => at(id, id, id === RENAMED ? 'customer' : 'account'),
  'provider gone': (id: string) => (id === LEAVING ? undefined : at(id)),
  'polling moved': (id: string) => at(id, id === POLLED ? `${id}-new` : id),
} as const;

/** Which catalogue a process was deployed with. */
export type Generation = keyof typeof EDITS;
const FIRST: Generation = 'as it was';

const readEdit = (edit: (id: string) => Partial<ProviderInput> | undefined): Map<string, Provider> =>
  aCatalogue(...PROVIDERS.flatMap((id) => edit(id) ?? []));

export const CATALOGUES = Object.fromEntries(
  Object.entries(EDITS).map(([name, edit]) => [name, readEdit(edit)]),
) as Record<Generation, Map<string, Provider>>;

/** The origin of a provider in a catalogue; undefined if it is not there. */
export const originIn = (generation: Generation, providerId: string): string | undefined => {
  const provider = CATALOGUES[generation].get(providerId);
  return provider && new URL(provider.url.replace(/\{.*$/, '')).origin;
};

/** The parameter that a provider takes in a catalogue; undefined if the provider is not there. */
export const parameterIn = (generation: Generation, providerId: string): string | undefined =>
  Object.keys(CATALOGUES[generation].get(providerId)?.parameters?.properties ?? {})[0];

/** The one header that may hold the credential for an origin. */
export const credentialFor = (providerId: string, { hostname }: URL): string | undefined =>
  providerId === POLLED ? `Bearer ${secretOf(hostname.replace('.example', ''))}` : undefined;

export const secretOf = (name: string): string => `secret of ${name}`;

/** A deployment: from its beginning to its end some processes have the new catalogue, and some the one before. */
export type Deployment = { generation: Generation; from: number; until: number };

const MINUTE = 60_000;

/** One seed in four changes the catalogue: to an edit, to an edit and back, or back from an edit that was there before. */
export const drawDeployments = (random: Random, start: number): Deployment[] => {
  const [isEdited, shape] = [random() < 0.25, Math.floor(random() * 3)];
  const edits = Object.keys(EDITS).filter((name) => name !== FIRST) as Generation[];
  const generation = edits[Math.floor(random() * edits.length)] ?? FIRST;
  const deploy = (what: Generation, from: number): Deployment => ({
    ...{ generation: what, from },
    until: from + random() * 10 * MINUTE,
  });
  const edit = deploy(generation, shape === 0 ? start - 20 * MINUTE : start + random() * 60 * MINUTE);
  const revert = deploy(FIRST, edit.until + (shape === 0 ? 20 : 5 + random() * 90) * MINUTE);
  if (!isEdited) return [];
  return shape === 1 ? [edit] : [edit, revert];
};

/** The catalogues that processes may have at some time between two times, the latest last. */
export const generationsIn = (deployments: readonly Deployment[], from: number, to = from): Generation[] => {
  const all = [{ generation: FIRST, from: 0, until: 0 }, ...deployments];
  return all
    .filter((one, index) => one.from <= to && (all[index + 1]?.until ?? Number.POSITIVE_INFINITY) > from)
    .map(({ generation }) => generation);
};

/** The deployments of a history. */
export const deploymentsOf = (events: readonly HistoryEvent[]): Deployment[] =>
  events.flatMap((event) => (event.kind === 'deployed' ? [event] : []));

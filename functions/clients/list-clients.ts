import type { CountPending, ListClients, ListedClient, PendingCount } from '@boomerang/core/ports/clients.ts';

export type ListClientsDeps = { listClients: ListClients; countPending: CountPending; now: () => number };

export type ClientWithJobs = ListedClient & PendingCount;

/** How many clients' jobs are counted at once: each count takes a query per shard. */
const COUNTED_AT_ONCE = 10;

/** No count starts after this time. A count takes at most three seconds, and the function's timeout is 15. */
const COUNT_MS = 3_000;

export const UNCOUNTED: PendingCount = { pendingJobs: 0, isTruncated: true };

/**
 * A page of clients with their pending jobs, newest first: ids begin with the time of creation. There are few clients, so each
 * page reads them all.
 *
 * @param after the last id of the previous page
 */
export const listClients = async (
  { listClients: readAll, countPending, now }: ListClientsDeps,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<{ clients: ClientWithJobs[]; cursor: string | undefined }> => {
  const endsAt = now() + COUNT_MS;
  const rest = (await readAll())
    .filter(({ clientId }) => after === undefined || clientId < after)
    .sort((a, b) => (a.clientId < b.clientId ? 1 : -1));
  const page = rest.slice(0, limit);
  const clients: ClientWithJobs[] = [];
  for (let start = 0; start < page.length; start += COUNTED_AT_ONCE) {
    const counted = page.slice(start, start + COUNTED_AT_ONCE).map(async (client) => {
      const count = now() < endsAt ? await countPending(client.clientId) : UNCOUNTED;
      return { ...client, ...count };
    });
    clients.push(...(await Promise.all(counted)));
  }
  return { clients, cursor: rest.length > limit ? page.at(-1)?.clientId : undefined };
};

import { toIso } from '@boomerang/core/domain/time.ts';
import type { Caller } from '@boomerang/core/ports/clients.ts';
import { version } from 'uuid';
import type { ClientWithJobs } from './list-clients.ts';
import type { ClientPage, Me } from './schema.ts';

export const presentMe = ({ clientId, name, isOperator }: Pick<Caller, keyof Me>): Me => ({
  clientId,
  name,
  isOperator: isOperator ?? false,
});

export const presentClient = (client: ClientWithJobs): ClientPage['clients'][number] => ({
  ...presentMe(client),
  createdAt: createdAtOf(client.clientId),
  revokedAt: client.revokedAt === undefined ? null : toIso(client.revokedAt),
  pendingJobs: client.pendingJobs,
  pendingJobsTruncated: client.isTruncated,
});

/** The time in a UUIDv7 (RFC 9562 §5.7). Used because the index without secrets does not project `createdAt`. */
const createdAtOf = (clientId: string): string | null => {
  if (!UUID.test(clientId) || version(clientId) !== 7) return null;
  return toIso(Number.parseInt(clientId.replaceAll('-', '').slice(0, 12), 16));
};

const UUID = /^[\da-f]{8}-[\da-f]{4}-[1-8][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

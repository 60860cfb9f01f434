import type { Redrive, RedriveQuery } from '@boomerang/core/domain/redrive.ts';
import { toIso } from '@boomerang/core/domain/time.ts';
import type * as z from 'zod';
import type { redriveSchema } from './schema.ts';

type RedriveView = z.infer<typeof redriveSchema>;

/** The path of a redrive, relative to this API. */
export const linkOf = (redriveId: string): string => `/redrives/${redriveId}`;

/** The public view of a redrive. */
export const presentRedrive = ({
  redriveId,
  status,
  query,
  redriven,
  skipped,
  failed,
  createdAt,
  updatedAt,
}: Redrive): RedriveView => ({
  redriveId,
  status,
  query: presentQuery(query),
  redriven,
  skipped,
  failed,
  createdAt: toIso(createdAt),
  updatedAt: toIso(updatedAt),
  links: { self: linkOf(redriveId) },
});

const presentQuery = ({
  status,
  inTrouble,
  providerId,
  failureCode,
  from,
  to,
}: RedriveQuery): RedriveView['query'] => ({
  ...(status !== undefined && { status: typeof status === 'string' ? status : [...status] }),
  ...(inTrouble && { inTrouble }),
  ...(providerId !== undefined && { providerId }),
  ...(failureCode !== undefined && { failureCode }),
  from: toIso(from),
  to: toIso(to),
});

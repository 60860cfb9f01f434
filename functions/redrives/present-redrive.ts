import type { Redrive } from '@boomerang/core/domain/redrive.ts';
import type * as z from 'zod';
import type { redriveSchema } from './schema.ts';

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
}: Redrive): z.infer<typeof redriveSchema> => ({
  redriveId,
  status,
  query: { status: query.status, from: toIso(query.from), to: toIso(query.to) },
  redriven,
  skipped,
  failed,
  createdAt: toIso(createdAt),
  updatedAt: toIso(updatedAt),
  links: { self: linkOf(redriveId) },
});

const toIso = (ms: number): string => new Date(ms).toISOString();

import { idCursorSchema, nextCursorSchema } from '@boomerang/core/http/cursor.ts';
import { limitSchema } from '@boomerang/core/http/limit-schema.ts';
import * as z from 'zod';

/** The query of `GET /clients`. */
export const clientsQuerySchema = z.strictObject({
  limit: limitSchema('clients'),
  cursor: idCursorSchema.optional(),
});

const identitySchema = z.object({
  clientId: z.string().meta({ description: 'A UUID, or `local` for the client of the embedded cloud.' }),
  name: z.string(),
  isOperator: z
    .boolean()
    .meta({ description: 'Whether it may send the `clientId` of another client in requests, to act for that client.' }),
});

/** The response of `GET /me`. */
export const meSchema = identitySchema.meta({ id: 'Me', description: 'The caller.' });

const time = z.iso.datetime().nullable();

const clientSchema = identitySchema
  .extend({
    createdAt: time.meta({ description: 'ISO 8601, UTC; null if the id contains no time.' }),
    revokedAt: time.meta({ description: 'ISO 8601, UTC; null unless its API key was revoked.' }),
    pendingJobs: z
      .int()
      .meta({ description: 'Number of pending jobs among its newest 1,000 jobs. May be ten seconds old.' }),
    pendingJobsTruncated: z.boolean().meta({
      description: 'Whether jobs were left out: those older than the newest 1,000, or all if counting took too long.',
    }),
  })
  .meta({ id: 'ClientState', description: 'A client, without its secrets.' });

/** A page of clients. */
export const clientPageSchema = z
  .object({
    clients: z.array(clientSchema),
    cursor: nextCursorSchema,
  })
  .meta({ id: 'ClientPage', description: 'Clients, newest first.' });

export type ClientPage = z.infer<typeof clientPageSchema>;
export type Me = z.infer<typeof meSchema>;

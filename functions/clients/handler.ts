import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CALL_LIMITS, createAwsClient } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoFindCaller, createDynamoListClients } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoCountPending } from '@boomerang/core/adapters/dynamo/count-pending.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import { type ApiLambda, apiHandler } from '@boomerang/core/http/api-handler.ts';
import { type Authenticate, createAuthenticate } from '@boomerang/core/http/authenticate.ts';
import { toNextCursor } from '@boomerang/core/http/cursor.ts';
import { Problem } from '@boomerang/core/http/problem.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import type { CountPending } from '@boomerang/core/ports/clients.ts';
import { cached } from '@boomerang/core/security/cached.ts';
import { type ListClientsDeps, listClients, UNCOUNTED } from './list-clients.ts';
import { presentClient, presentMe } from './present-client.ts';
import { clientsQuerySchema } from './schema.ts';

export type Deps = ListClientsDeps & { authenticate: Authenticate; log: Log };

/** `GET /me` and `GET /clients`: who the caller is, and, for operators, all clients. */
export const createHandler = (deps: Deps): ApiLambda => {
  const { authenticate, log } = deps;
  const me = apiHandler(log, { authenticate }, async ({ caller }) => ({ statusCode: 200, body: presentMe(caller) }));
  const list = apiHandler(log, { authenticate, query: clientsQuerySchema }, async ({ caller, query }) => {
    if (!caller.isOperator) throw new Problem(403, 'Only operators may list clients.');
    const { clients, cursor } = await listClients(deps, { limit: query.limit, after: query.cursor });
    return { statusCode: 200, body: { clients: clients.map(presentClient), cursor: toNextCursor(cursor) } };
  });
  return (event, context) => (event.routeKey === 'GET /me' ? me : list)(event, context);
};

/** How long counts are cached, because the console requests them every few seconds. */
const COUNT_TTL_MS = 10_000;

const config = readSettings(['JOB_TABLE_NAME', 'CLIENT_TABLE_NAME', 'SHARD_COUNT'], process.env);
const client = createAwsClient(DynamoDBClient, CALL_LIMITS.api);
const table = { client, tableName: config.CLIENT_TABLE_NAME };
const jobs = { client, tableName: config.JOB_TABLE_NAME, shardCount: config.SHARD_COUNT };
const count = cached(createDynamoCountPending(jobs), COUNT_TTL_MS);
const countPending: CountPending = async (clientId) => (await count(clientId)) ?? UNCOUNTED;

export const handler = createHandler({
  authenticate: createAuthenticate(createDynamoFindCaller(table)),
  listClients: createDynamoListClients(table),
  countPending,
  now: Date.now,
  log: createLog('clients'),
});

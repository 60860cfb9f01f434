import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CALL_LIMITS, createAwsClient } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoLastSweep } from '@boomerang/core/adapters/dynamo/sweeps.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { Problem, problemBody, retryAfter } from '@boomerang/core/http/problem.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import { CACHE_MS, createCheckHealth } from './check-health.ts';
import { type HealthChecks, healthQuerySchema } from './schema.ts';

export type Deps = { log: Log; checkHealth: () => Promise<HealthChecks> };

/**
 * `GET /health`: whether the API answers. It reads nothing, so that it can be polled often. `GET /health?deep=1` also checks
 * the table and the sweeps.
 */
export const createHandler = ({ log, checkHealth }: Deps) =>
  apiHandler(log, { query: healthQuerySchema }, async ({ query, event }) => {
    if (query.deep === undefined) return { statusCode: 200, body: { status: 'ok' } };
    const checks = await checkHealth();
    const failed = Object.entries(checks).filter(([, { status }]) => status !== 'ok');
    if (failed.length === 0) return { statusCode: 200, body: { status: 'ok', checks } };
    const names = failed.map(([name]) => name);
    const problem = new Problem(503, `Failed checks: ${names.join(', ')}.`);
    const body = { ...JSON.parse(problemBody(problem, event.requestContext.requestId)), checks };
    return { statusCode: 503, headers: { 'content-type': 'application/problem+json', ...retryAfter(CACHE_MS) }, body };
  });

const config = readSettings(['JOB_TABLE_NAME'], process.env);
const log = createLog('health');
const client = createAwsClient(DynamoDBClient, CALL_LIMITS.health);
const lastSweep = createDynamoLastSweep({ client, tableName: config.JOB_TABLE_NAME });

export const handler = createHandler({ log, checkHealth: createCheckHealth({ lastSweep, now: Date.now, log }) });

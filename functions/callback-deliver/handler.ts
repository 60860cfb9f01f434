import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CALL_LIMITS, createAwsClient } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoCircuits } from '@boomerang/core/adapters/dynamo/circuits.ts';
import { createDynamoFindClient } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoJobOutcomes } from '@boomerang/core/adapters/dynamo/job-outcomes.ts';
import { createDynamoResultReader } from '@boomerang/core/adapters/dynamo/result-store.ts';
import { createPublishEvent } from '@boomerang/core/adapters/event-bridge.ts';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import { isPaused, toCircuitRules, toSettlePolicy } from '@boomerang/core/config/policy.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { createMetrics } from '@boomerang/core/observability/metrics.ts';
import { cached } from '@boomerang/core/security/cached.ts';
import { createAnnounce } from '@boomerang/core/use-cases/announce-circuit.ts';
import { createCircuitBreaker } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { USER_AGENT } from '@boomerang/core/version.ts';
import { type DeliverCallbackDeps, deliverCallback } from './deliver-callback.ts';
import { deliverRequestSchema } from './schema.ts';

/** The task `DeliverCallback`. */
export const createHandler =
  (deps: DeliverCallbackDeps) =>
  async (event: unknown): Promise<Record<string, never>> => {
    const { job, retryCount } = deliverRequestSchema.parse(event);
    await deliverCallback(deps, job, retryCount);
    return {};
  };

const config = readSettings(
  [
    'JOB_TABLE_NAME',
    'CLIENT_TABLE_NAME',
    'CALLBACK_ALLOW',
    'RETRY_SCHEDULE_SECONDS',
    'RETENTION_SECONDS',
    'BREAKER_WINDOW_SECONDS',
    'BREAKER_MIN_CALLS',
    'BREAKER_FAILURE_RATE',
    'BREAKER_OPEN_SECONDS',
    'PAUSED',
    'PUBLISH_EVENTS',
  ],
  process.env,
);
const client = createAwsClient(DynamoDBClient, CALL_LIMITS.deliver);
const table = { client, tableName: config.JOB_TABLE_NAME };

const log = createLog('callback-deliver');
const clock = { now: Date.now, log };
const publish = createPublishEvent(createAwsClient(EventBridgeClient, CALL_LIMITS.events), config.PUBLISH_EVENTS, log);
const metrics = createMetrics();
const announce = createAnnounce({ publish, metrics });
const circuits = createDynamoCircuits(table);

export const handler = createHandler({
  ...clock,
  results: createDynamoResultReader(table),
  outcomes: createDynamoJobOutcomes(table),
  findClient: cached(createDynamoFindClient({ client, tableName: config.CLIENT_TABLE_NAME })),
  send: createNodeHttp({ exceptions: config.CALLBACK_ALLOW }),
  publish,
  metrics,
  breaker: createCircuitBreaker({ ...clock, random: Math.random, circuits, rules: toCircuitRules(config), announce }),
  isPaused: isPaused(config, 'callbacks'),
  policy: toSettlePolicy(config),
  userAgent: USER_AGENT,
});

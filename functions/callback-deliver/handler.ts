import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CALL_LIMITS, timeLimited } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoCircuits } from '@boomerang/core/adapters/dynamo/circuits.ts';
import { createDynamoFindClient } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoJobOutcomes } from '@boomerang/core/adapters/dynamo/job-outcomes.ts';
import { createDynamoResultReader } from '@boomerang/core/adapters/dynamo/result-store.ts';
import { createPublishEvent } from '@boomerang/core/adapters/event-bridge.ts';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import { isPaused, toCircuitRules, toSettlePolicy } from '@boomerang/core/config/policy.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { createMeter } from '@boomerang/core/observability/meter.ts';
import { cached } from '@boomerang/core/security/cached.ts';
import { createAnnounce } from '@boomerang/core/use-cases/announce-circuit.ts';
import { createCircuitBreaker } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { VERSION } from '@boomerang/core/version.ts';
import { config } from './config.ts';
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

const client = new DynamoDBClient(timeLimited(CALL_LIMITS.deliver));
const table = { client, tableName: config.JOB_TABLE_NAME };

const log = createLog('callback-deliver');
const clock = { now: Date.now, log };
const publish = createPublishEvent(new EventBridgeClient(timeLimited(CALL_LIMITS.events)), log);
const meter = createMeter();
const announce = createAnnounce({ publish, meter });
const circuits = createDynamoCircuits(table);

export const handler = createHandler({
  ...clock,
  results: createDynamoResultReader(table),
  outcomes: createDynamoJobOutcomes(table),
  findClient: cached(createDynamoFindClient({ client, tableName: config.CLIENT_TABLE_NAME })),
  send: createNodeHttp({ exceptions: config.CALLBACK_ALLOW }),
  publish,
  meter,
  breaker: createCircuitBreaker({ ...clock, random: Math.random, circuits, rules: toCircuitRules(config), announce }),
  isPaused: isPaused(config, 'callbacks'),
  policy: toSettlePolicy(config),
  userAgent: `Boomerang/${VERSION}`,
});

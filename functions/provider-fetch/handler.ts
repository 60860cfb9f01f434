import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SSMClient } from '@aws-sdk/client-ssm';
import { CALL_LIMITS, createAwsClient } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoCircuits } from '@boomerang/core/adapters/dynamo/circuits.ts';
import { createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { createDynamoLimits } from '@boomerang/core/adapters/dynamo/limits.ts';
import { createDynamoResultRemover, createDynamoResultWriter } from '@boomerang/core/adapters/dynamo/result-store.ts';
import { createPublishEvent } from '@boomerang/core/adapters/event-bridge.ts';
import { readDeployedCatalogue } from '@boomerang/core/adapters/file-catalogue.ts';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import { createFindSecret } from '@boomerang/core/adapters/secrets.ts';
import { isPaused, toCircuitRules, toSettlePolicy } from '@boomerang/core/config/policy.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { createMetrics } from '@boomerang/core/observability/metrics.ts';
import { createAnnounce } from '@boomerang/core/use-cases/announce-circuit.ts';
import { createCircuitBreaker } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { type FetchProviderDeps, fetchProvider } from './fetch-provider.ts';
import { createCallLimiter } from './limit-calls.ts';
import { fetchRequestSchema } from './schema.ts';

/** The task `FetchProvider`. */
export const createHandler = (deps: FetchProviderDeps) => async (event: unknown) =>
  fetchProvider(deps, fetchRequestSchema.parse(event));

const config = readSettings(
  [
    'JOB_TABLE_NAME',
    'PROVIDER_CATALOGUE',
    'PROVIDERS_API_URL',
    'SECRETS_PATH',
    'FETCH_DEADLINE_SECONDS',
    'MIN_POLL_SECONDS',
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
const table = { client: createAwsClient(DynamoDBClient, CALL_LIMITS.fetch), tableName: config.JOB_TABLE_NAME };
const log = createLog('provider-fetch');
const clock = { now: Date.now, log };
const publish = createPublishEvent(createAwsClient(EventBridgeClient, CALL_LIMITS.events), config.PUBLISH_EVENTS, log);
const metrics = createMetrics();
const announce = createAnnounce({ publish, metrics });
const circuits = createDynamoCircuits(table);

export const handler = createHandler({
  ...clock,
  catalogue: readDeployedCatalogue(config.PROVIDER_CATALOGUE, { PROVIDERS_API_URL: config.PROVIDERS_API_URL }),
  send: createNodeHttp(),
  findSecret: createFindSecret(createAwsClient(SSMClient, CALL_LIMITS.secrets), config.SECRETS_PATH, process.env),
  results: { ...createDynamoResultWriter(table), ...createDynamoResultRemover(table) },
  jobs: createDynamoJobReader(table),
  metrics,
  breaker: createCircuitBreaker({ ...clock, random: Math.random, circuits, rules: toCircuitRules(config), announce }),
  limitCalls: createCallLimiter({
    ...clock,
    random: Math.random,
    limits: createDynamoLimits({ ...table, random: Math.random }),
    sleep,
  }),
  isPaused: isPaused(config, 'fetch'),
  minPollMs: config.MIN_POLL_SECONDS * 1000,
  fetchDeadlineMs: config.FETCH_DEADLINE_SECONDS * 1000,
  policy: toSettlePolicy(config),
});

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CALL_LIMITS, createAwsClient } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoJobOutcomes } from '@boomerang/core/adapters/dynamo/job-outcomes.ts';
import { createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import {
  createDynamoResultRemover,
  createDynamoResultRenewer,
  createDynamoResultWriter,
} from '@boomerang/core/adapters/dynamo/result-store.ts';
import { createPublishEvent } from '@boomerang/core/adapters/event-bridge.ts';
import { toSettlePolicy } from '@boomerang/core/config/policy.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { createMetrics } from '@boomerang/core/observability/metrics.ts';
import { settleRequestSchema } from './schema.ts';
import { type SettleJobDeps, settleJob } from './settle-job.ts';

/** The task `SettleJob`. */
export const createHandler =
  (deps: SettleJobDeps) =>
  async (event: unknown): Promise<Record<string, never>> => {
    await settleJob(deps, settleRequestSchema.parse(event));
    return {};
  };

const config = readSettings(
  ['JOB_TABLE_NAME', 'RETRY_SCHEDULE_SECONDS', 'RETENTION_SECONDS', 'BREAKER_OPEN_SECONDS', 'PUBLISH_EVENTS'],
  process.env,
);
const table = { client: createAwsClient(DynamoDBClient, CALL_LIMITS.settle), tableName: config.JOB_TABLE_NAME };

const log = createLog('job-settle');

export const handler = createHandler({
  jobs: createDynamoJobReader(table),
  results: {
    ...createDynamoResultWriter(table),
    ...createDynamoResultRenewer(table),
    ...createDynamoResultRemover(table),
  },
  outcomes: createDynamoJobOutcomes(table),
  policy: toSettlePolicy(config),
  now: Date.now,
  random: Math.random,
  log,
  publish: createPublishEvent(createAwsClient(EventBridgeClient, CALL_LIMITS.events), config.PUBLISH_EVENTS, log),
  metrics: createMetrics(),
});

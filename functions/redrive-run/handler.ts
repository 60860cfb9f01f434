import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CALL_LIMITS, createAwsClient } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoJobControl } from '@boomerang/core/adapters/dynamo/job-control.ts';
import { createDynamoJobList, createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { createDynamoRedriveWork } from '@boomerang/core/adapters/dynamo/redrives.ts';
import {
  createDynamoResultRemover,
  createDynamoResultRenewer,
  createDynamoResultWriter,
} from '@boomerang/core/adapters/dynamo/result-store.ts';
import { toSettlePolicy } from '@boomerang/core/config/policy.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { type RunRedrivesDeps, runRedrives } from './run-redrives.ts';

/** The task `RunRedrives`. It has no input: due redrives are in the table. */
export const createHandler = (deps: RunRedrivesDeps) => async (): Promise<Record<string, never>> => {
  await runRedrives(deps);
  return {};
};

const config = readSettings(
  [
    'JOB_TABLE_NAME',
    'FETCH_DEADLINE_SECONDS',
    'RETRY_SCHEDULE_SECONDS',
    'RETENTION_SECONDS',
    'BREAKER_OPEN_SECONDS',
    'SHARD_COUNT',
  ],
  process.env,
);
const client = createAwsClient(DynamoDBClient, CALL_LIMITS.sweep);
const table = { client, tableName: config.JOB_TABLE_NAME, shardCount: config.SHARD_COUNT };

export const handler = createHandler({
  redrives: createDynamoRedriveWork(table),
  jobs: { ...createDynamoJobList(table), ...createDynamoJobReader(table) },
  results: {
    ...createDynamoResultWriter(table),
    ...createDynamoResultRenewer(table),
    ...createDynamoResultRemover(table),
  },
  control: createDynamoJobControl(table),
  fetchDeadlineMs: config.FETCH_DEADLINE_SECONDS * 1000,
  policy: toSettlePolicy(config),
  retentionMs: config.RETENTION_SECONDS * 1000,
  now: Date.now,
  log: createLog('redrive-run'),
});

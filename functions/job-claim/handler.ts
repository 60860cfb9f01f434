import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CALL_LIMITS, createAwsClient } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoCircuitReader } from '@boomerang/core/adapters/dynamo/circuits.ts';
import { createDynamoFindClient } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoDueJobs } from '@boomerang/core/adapters/dynamo/due-jobs.ts';
import { createDynamoJobOutcomes } from '@boomerang/core/adapters/dynamo/job-outcomes.ts';
import { createDynamoLastPause, createDynamoSweepRecorder } from '@boomerang/core/adapters/dynamo/sweeps.ts';
import { createPublishEvent } from '@boomerang/core/adapters/event-bridge.ts';
import { isPaused, toSettlePolicy } from '@boomerang/core/config/policy.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { createGauge, createMetrics } from '@boomerang/core/observability/metrics.ts';
import { cached } from '@boomerang/core/security/cached.ts';
import { type ClaimDueJobsDeps, claimDueJobs } from './claim-due-jobs.ts';
import { reportSweep } from './report-sweep.ts';
import { sweepSchema } from './schema.ts';

/**
 * The task `ClaimDueJobs`.
 * @param report called once per sweep, after its first pass
 */
export const createHandler =
  (deps: ClaimDueJobsDeps, report: () => Promise<void> = async () => {}) =>
  async (event: unknown) => {
    const { claimed } = sweepSchema.parse(event);
    const sweep = await claimDueJobs(deps, claimed);
    if (claimed === 0) await report();
    return sweep;
  };

const config = readSettings(
  [
    'JOB_TABLE_NAME',
    'CLIENT_TABLE_NAME',
    'LEASE_SECONDS',
    'SHARD_COUNT',
    'MAX_JOBS_PER_SWEEP',
    'RETRY_SCHEDULE_SECONDS',
    'RETENTION_SECONDS',
    'BREAKER_OPEN_SECONDS',
    'PAUSED',
    'PUBLISH_EVENTS',
  ],
  process.env,
);
const client = createAwsClient(DynamoDBClient, CALL_LIMITS.sweep);
const table = { client, tableName: config.JOB_TABLE_NAME };

const log = createLog('job-claim');

const clock = { now: Date.now, log };

const deps: ClaimDueJobsDeps = {
  ...clock,
  due: createDynamoDueJobs(table),
  lastPause: createDynamoLastPause(table),
  outcomes: createDynamoJobOutcomes(table),
  findClient: cached(createDynamoFindClient({ client, tableName: config.CLIENT_TABLE_NAME })),
  leaseMs: config.LEASE_SECONDS * 1000,
  shardCount: config.SHARD_COUNT,
  maxJobsPerSweep: config.MAX_JOBS_PER_SWEEP,
  isPaused: isPaused(config, 'claims'),
  policy: toSettlePolicy(config),
  random: Math.random,
  publish: createPublishEvent(createAwsClient(EventBridgeClient, CALL_LIMITS.events), config.PUBLISH_EVENTS, log),
  metrics: createMetrics(),
};

const reportDeps = {
  ...clock,
  recordSweep: createDynamoSweepRecorder(table),
  isPaused: deps.isPaused,
  circuits: createDynamoCircuitReader(table),
  gauge: createGauge(),
};

export const handler = createHandler(deps, async () => reportSweep(reportDeps));

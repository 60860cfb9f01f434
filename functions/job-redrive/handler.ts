import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { CALL_LIMITS, createAwsClient } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoFindCaller } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoJobControl } from '@boomerang/core/adapters/dynamo/job-control.ts';
import { createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import {
  createDynamoResultRemover,
  createDynamoResultRenewer,
  createDynamoResultWriter,
} from '@boomerang/core/adapters/dynamo/result-store.ts';
import { createSfnStartExecution } from '@boomerang/core/adapters/sfn-start-execution.ts';
import { toSettlePolicy } from '@boomerang/core/config/policy.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import { toSummary } from '@boomerang/core/domain/job-summary.ts';
import { type ApiLambda, apiHandler } from '@boomerang/core/http/api-handler.ts';
import { type Authenticate, createAuthenticate } from '@boomerang/core/http/authenticate.ts';
import { jobIdOf } from '@boomerang/core/http/job-problem.ts';
import { presentSummary } from '@boomerang/core/http/present-summary.ts';
import { inProgress, Problem } from '@boomerang/core/http/problem.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import type { JobReader } from '@boomerang/core/ports/jobs.ts';
import { findJob } from '@boomerang/core/use-cases/find-job.ts';
import { InputDeleted } from '@boomerang/core/use-cases/job-errors.ts';
import { type RedriveJobDeps, redriveJob } from '@boomerang/core/use-cases/redrive-job.ts';

export type Deps = RedriveJobDeps & { authenticate: Authenticate; jobs: Pick<JobReader, 'getWithData'> };

/** `POST /jobs/{jobId}/redrive`: starts a job again at once. */
export const createHandler = (deps: Deps): ApiLambda => {
  const { authenticate, jobs, now, log } = deps;
  return apiHandler(log, { authenticate, actsFor: true }, async ({ caller, path }) => {
    const found = await findJob(jobIdOf(path), caller, async (jobId) => jobs.getWithData(jobId, now()), now());
    const job = await redriveJob(deps, found).catch(throwProblem);
    const body = presentSummary(toSummary(job));
    return { statusCode: 202, headers: { location: body.links.self }, body };
  });
};

const throwProblem = (error: unknown): never => {
  // Another execution claimed the job after it was read.
  if (error instanceof StaleClaim) throw inProgress(1_000);
  if (error instanceof InputDeleted) {
    throw new Problem(409, 'The job cannot be redriven: its parameters or metadata were deleted.', { cause: error });
  }
  throw error;
};

const config = readSettings(
  [
    'JOB_TABLE_NAME',
    'CLIENT_TABLE_NAME',
    'STATE_MACHINE_ARN',
    'LEASE_SECONDS',
    'FETCH_DEADLINE_SECONDS',
    'RETRY_SCHEDULE_SECONDS',
    'RETENTION_SECONDS',
    'BREAKER_OPEN_SECONDS',
    'SHARD_COUNT',
  ],
  process.env,
);
const client = createAwsClient(DynamoDBClient, CALL_LIMITS.api);
const releasing = createAwsClient(DynamoDBClient, CALL_LIMITS.release);
const table = { client, tableName: config.JOB_TABLE_NAME, shardCount: config.SHARD_COUNT };

export const handler = createHandler({
  authenticate: createAuthenticate(createDynamoFindCaller({ client, tableName: config.CLIENT_TABLE_NAME })),
  jobs: createDynamoJobReader(table),
  results: {
    ...createDynamoResultWriter(table),
    ...createDynamoResultRenewer(table),
    ...createDynamoResultRemover(table),
  },
  control: {
    ...createDynamoJobControl(table),
    release: createDynamoJobControl({ ...table, client: releasing }).release,
  },
  startExecution: createSfnStartExecution({
    client: createAwsClient(SFNClient, CALL_LIMITS.start),
    stateMachineArn: config.STATE_MACHINE_ARN,
  }),
  leaseMs: config.LEASE_SECONDS * 1000,
  fetchDeadlineMs: config.FETCH_DEADLINE_SECONDS * 1000,
  policy: toSettlePolicy(config),
  now: Date.now,
  log: createLog('job-redrive'),
});

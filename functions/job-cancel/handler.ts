import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CALL_LIMITS, createAwsClient } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoFindCaller } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoJobControl } from '@boomerang/core/adapters/dynamo/job-control.ts';
import { createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import { cancelled, hasEnded } from '@boomerang/core/domain/control.ts';
import { toSummary } from '@boomerang/core/domain/job-summary.ts';
import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { type Authenticate, createAuthenticate } from '@boomerang/core/http/authenticate.ts';
import { jobIdOf } from '@boomerang/core/http/job-problem.ts';
import { presentSummary } from '@boomerang/core/http/present-summary.ts';
import { Problem } from '@boomerang/core/http/problem.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import type { JobControl, JobReader } from '@boomerang/core/ports/jobs.ts';
import { changeJob } from '@boomerang/core/use-cases/change-job.ts';

export type Deps = {
  authenticate: Authenticate;
  jobs: Pick<JobReader, 'get'>;
  control: Pick<JobControl, 'replace'>;
  retentionMs: number;
  now: () => number;
  log: Log;
};

/** `POST /jobs/{jobId}/cancel`: ends a pending job. A callback already in flight may still arrive. */
export const createHandler = (deps: Deps) => {
  const { authenticate, retentionMs, now, log } = deps;
  return apiHandler(log, { authenticate, actsFor: true }, async ({ caller, path }) => {
    const job = await changeJob(deps, jobIdOf(path), caller, (read) => {
      if (hasEnded(read)) throw new Problem(409, `The job has already ended: ${read.status}.`);
      return cancelled(read, { now: now(), retentionMs });
    });
    log.info('Job cancelled', { jobId: job.jobId, clientId: job.clientId });
    return { statusCode: 202, body: presentSummary(toSummary(job)) };
  });
};

const config = readSettings(['JOB_TABLE_NAME', 'CLIENT_TABLE_NAME', 'RETENTION_SECONDS', 'SHARD_COUNT'], process.env);
const client = createAwsClient(DynamoDBClient, CALL_LIMITS.api);
const table = { client, tableName: config.JOB_TABLE_NAME, shardCount: config.SHARD_COUNT };

export const handler = createHandler({
  authenticate: createAuthenticate(createDynamoFindCaller({ client, tableName: config.CLIENT_TABLE_NAME })),
  jobs: createDynamoJobReader(table),
  control: createDynamoJobControl(table),
  retentionMs: config.RETENTION_SECONDS * 1000,
  now: Date.now,
  log: createLog('job-cancel'),
});

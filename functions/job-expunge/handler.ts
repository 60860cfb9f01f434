import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CALL_LIMITS, createAwsClient } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoFindCaller } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoJobControl } from '@boomerang/core/adapters/dynamo/job-control.ts';
import { createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { createDynamoResultExpunger } from '@boomerang/core/adapters/dynamo/result-store.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import { expunged, hasEnded } from '@boomerang/core/domain/control.ts';
import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { type Authenticate, createAuthenticate } from '@boomerang/core/http/authenticate.ts';
import { jobIdOf } from '@boomerang/core/http/job-problem.ts';
import { Problem } from '@boomerang/core/http/problem.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import type { JobControl, JobReader, ResultStore } from '@boomerang/core/ports/jobs.ts';
import { changeJob } from '@boomerang/core/use-cases/change-job.ts';

export type Deps = {
  authenticate: Authenticate;
  jobs: Pick<JobReader, 'get'>;
  control: Pick<JobControl, 'replace'>;
  results: Pick<ResultStore, 'expunge'>;
  now: () => number;
  log: Log;
};

/**
 * `DELETE /jobs/{jobId}`: deletes the data of a job that has ended. The bare record stays until it expires, so that its
 * idempotency key can't be reused early.
 */
export const createHandler = (deps: Deps) => {
  const { authenticate, results, now, log } = deps;
  return apiHandler(log, { authenticate, actsFor: true }, async ({ caller, path }) => {
    const { jobId, clientId } = await changeJob(deps, jobIdOf(path), caller, (read) => {
      if (!hasEnded(read)) throw new Problem(409, 'The job is pending. Cancel it first.');
      return expunged(read, now());
    });
    // The record is changed first. If the deletion is interrupted, nothing reads the remaining data, and the next request
    // resumes the deletion.
    await results.expunge(jobId);
    log.info('Job expunged', { jobId, clientId });
    return { statusCode: 204 };
  });
};

const config = readSettings(['JOB_TABLE_NAME', 'CLIENT_TABLE_NAME', 'SHARD_COUNT'], process.env);
const client = createAwsClient(DynamoDBClient, CALL_LIMITS.api);
const table = { client, tableName: config.JOB_TABLE_NAME, shardCount: config.SHARD_COUNT };

export const handler = createHandler({
  authenticate: createAuthenticate(createDynamoFindCaller({ client, tableName: config.CLIENT_TABLE_NAME })),
  jobs: createDynamoJobReader(table),
  control: createDynamoJobControl(table),
  results: createDynamoResultExpunger(table),
  now: Date.now,
  log: createLog('job-expunge'),
});

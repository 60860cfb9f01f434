import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { ANONYMOUS_CLIENT_ID } from '@boomerang/core/domain/job.ts';
import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { Problem } from '@boomerang/core/http/problem.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import type { JobReader } from '@boomerang/core/ports/jobs.ts';
import { config } from './config.ts';
import { encodeCursor } from './cursor.ts';
import { presentJob, presentSummary } from './present-job.ts';
import { jobIdSchema, jobQuerySchema } from './schema.ts';

export type Deps = { jobs: JobReader; now: () => number; log: Log };

/** `GET /jobs/{jobId}` and `GET /jobs`. */
export const createHandler = ({ jobs, now, log }: Deps) => {
  const readOne = apiHandler(log, {}, async ({ path }) => {
    const jobId = jobIdSchema.safeParse(path.jobId);
    const job = jobId.success ? await jobs.get(jobId.data, now()) : undefined;
    if (!job) throw new Problem(404, 'There is no such job.');
    return { statusCode: 200, body: presentJob(job) };
  });
  const list = apiHandler(log, { query: jobQuerySchema }, async ({ query: { status, limit, cursor } }) => {
    const page = await jobs.list({ clientId: ANONYMOUS_CLIENT_ID, status, limit, after: cursor, now: now() });
    const next = page.cursor === undefined ? null : encodeCursor(page.cursor);
    return { statusCode: 200, body: { jobs: page.jobs.map(presentSummary), cursor: next } };
  });
  return ((event, context) =>
    (event.pathParameters?.jobId === undefined ? list : readOne)(event, context)) as typeof list;
};

export const handler = createHandler({
  jobs: createDynamoJobReader({
    client: new DynamoDBClient(),
    tableName: config.JOB_TABLE_NAME,
    shardCount: config.SHARD_COUNT,
  }),
  now: Date.now,
  log: createLog('job-read'),
});

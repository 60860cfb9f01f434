import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoFindCaller } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoJobList, createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { type Authenticate, createAuthenticate } from '@boomerang/core/http/authenticate.ts';
import { Problem } from '@boomerang/core/http/problem.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import type { JobReader } from '@boomerang/core/ports/jobs.ts';
import { config } from './config.ts';
import { encodeCursor } from './cursor.ts';
import { presentJob, presentSummary } from './present-job.ts';
import { jobIdSchema, jobQuerySchema } from './schema.ts';

export type Deps = { authenticate: Authenticate; jobs: JobReader; now: () => number; log: Log };

/** `GET /jobs/{jobId}` and `GET /jobs`. */
export const createHandler = ({ authenticate, jobs, now, log }: Deps) => {
  const readOne = apiHandler(log, { authenticate }, async ({ caller, path }) => {
    const jobId = jobIdSchema.safeParse(path.jobId);
    const job = jobId.success ? await jobs.get(jobId.data, now()) : undefined;
    // Another client's job is none: that it exists is not told.
    if (job?.clientId !== caller.clientId) throw new Problem(404, 'There is no such job.');
    return { statusCode: 200, body: presentJob(job) };
  });
  const list = apiHandler(log, { authenticate, query: jobQuerySchema }, async ({ caller: { clientId }, query }) => {
    const { status, limit, cursor } = query;
    const page = await jobs.list({ clientId, status, limit, after: cursor, now: now() });
    const next = page.cursor === undefined ? null : encodeCursor(page.cursor);
    return { statusCode: 200, body: { jobs: page.jobs.map(presentSummary), cursor: next } };
  });
  return ((event, context) =>
    (event.pathParameters?.jobId === undefined ? list : readOne)(event, context)) as typeof list;
};

const client = new DynamoDBClient();
const table = { client, tableName: config.JOB_TABLE_NAME, shardCount: config.SHARD_COUNT };

export const handler = createHandler({
  authenticate: createAuthenticate(createDynamoFindCaller({ client, tableName: config.CLIENT_TABLE_NAME })),
  jobs: { ...createDynamoJobReader(table), ...createDynamoJobList(table) },
  now: Date.now,
  log: createLog('job-read'),
});

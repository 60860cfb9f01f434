import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CALL_LIMITS, createAwsClient } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoFindCaller } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoJobList, createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { createDynamoResultReader } from '@boomerang/core/adapters/dynamo/result-store.ts';
import { readOffers } from '@boomerang/core/adapters/file-offers.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import type { Offers } from '@boomerang/core/domain/catalogue/offers.ts';
import { nextChangeMs } from '@boomerang/core/domain/control.ts';
import { type ApiLambda, apiHandler } from '@boomerang/core/http/api-handler.ts';
import { type Authenticate, createAuthenticate } from '@boomerang/core/http/authenticate.ts';
import { toNextCursor } from '@boomerang/core/http/cursor.ts';
import { etagOf, matchesEtag } from '@boomerang/core/http/etag.ts';
import { jobIdOf } from '@boomerang/core/http/job-problem.ts';
import { presentSummary } from '@boomerang/core/http/present-summary.ts';
import { retryAfter } from '@boomerang/core/http/problem.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import type { JobReader, ResultStore } from '@boomerang/core/ports/jobs.ts';
import { findJob, findStoredJob } from '@boomerang/core/use-cases/find-job.ts';
import { presentData } from './present-data.ts';
import { presentJob } from './present-job.ts';
import { createReadStats } from './read-stats.ts';
import { jobDataQuerySchema, jobHeadersSchema, jobQuerySchema, jobStatsQuerySchema } from './schema.ts';

export type Deps = {
  authenticate: Authenticate;
  jobs: JobReader;
  results: Pick<ResultStore, 'load'>;
  catalogue: Offers;
  now: () => number;
  log: Log;
};

/** `GET /jobs`, `GET /jobs/stats`, `GET /jobs/{jobId}` and `GET /jobs/{jobId}/data`. */
export const createHandler = ({ authenticate, jobs, results, catalogue, now, log }: Deps): ApiLambda => {
  const list = apiHandler(
    log,
    { authenticate, actsFor: true, query: jobQuerySchema },
    async ({ caller: { clientId }, query }) => {
      const { status: statuses, cursor: after, ...others } = query;
      const page = await jobs.list({ clientId, statuses, after, ...others, now: now() });
      return { statusCode: 200, body: { jobs: page.jobs.map(presentSummary), cursor: toNextCursor(page.cursor) } };
    },
  );
  const readStats = createReadStats({ jobs, now });
  const stats = apiHandler(
    log,
    { authenticate, actsFor: true, query: jobStatsQuerySchema },
    async ({ caller: { clientId }, query }) => {
      return { statusCode: 200, body: await readStats(clientId, query) };
    },
  );
  const readOne = apiHandler(
    log,
    { authenticate, actsFor: true, headers: jobHeadersSchema },
    async ({ caller, path, headers: requestHeaders }) => {
      const job = await findStoredJob({ jobs, now }, jobIdOf(path), caller);
      const at = now();
      const text = JSON.stringify(presentJob(job, catalogue, at));
      const etag = etagOf(text);
      const retryMs = nextChangeMs(job, at);
      const headers = {
        etag,
        ...(retryMs !== undefined && retryAfter(retryMs)),
      };
      return matchesEtag(requestHeaders['if-none-match'], etag)
        ? { statusCode: 304, headers }
        : { statusCode: 200, headers, text };
    },
  );
  const readData = apiHandler(
    log,
    { authenticate, actsFor: true, query: jobDataQuerySchema },
    async ({ caller, path, query }) => {
      const found = await findJob(jobIdOf(path), caller, results.load, now());
      return { statusCode: 200, text: presentData(found, query.providerId) };
    },
  );
  return (event, context) => {
    switch (event.routeKey) {
      case 'GET /jobs':
        return list(event, context);
      case 'GET /jobs/stats':
        return stats(event, context);
      case 'GET /jobs/{jobId}/data':
        return readData(event, context);
      default:
        return readOne(event, context);
    }
  };
};

const config = readSettings(['JOB_TABLE_NAME', 'CLIENT_TABLE_NAME', 'PROVIDER_CATALOGUE', 'SHARD_COUNT'], process.env);
const client = createAwsClient(DynamoDBClient, CALL_LIMITS.api);
const table = { client, tableName: config.JOB_TABLE_NAME, shardCount: config.SHARD_COUNT };

export const handler = createHandler({
  authenticate: createAuthenticate(createDynamoFindCaller({ client, tableName: config.CLIENT_TABLE_NAME })),
  jobs: { ...createDynamoJobReader(table), ...createDynamoJobList(table) },
  results: createDynamoResultReader(table),
  catalogue: readOffers(config.PROVIDER_CATALOGUE),
  now: Date.now,
  log: createLog('job-read'),
});

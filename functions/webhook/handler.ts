import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { readCatalogue } from '@boomerang/core/adapters/file-catalogue.ts';
import { createSfnStartExecution } from '@boomerang/core/adapters/sfn-start-execution.ts';
import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { jobLinks } from '@boomerang/core/http/job-links.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { v7 as uuidv7 } from 'uuid';
import { type AcceptJobDeps, acceptJob } from './accept-job.ts';
import { config } from './config.ts';
import { createWebhookSchema } from './schema.ts';

export type Deps = AcceptJobDeps & { knownProviders: ReadonlySet<string>; allowHttp: boolean };

/** `POST /webhook`: takes a job and answers at once; the work is done elsewhere. */
export const createHandler = (deps: Deps) =>
  apiHandler(deps.log, { body: createWebhookSchema(deps.knownProviders, deps) }, async ({ body }) => {
    const { jobId, status, createdAt } = await acceptJob(deps, body);
    const links = jobLinks(jobId);
    return {
      statusCode: 202,
      headers: { location: links.self },
      body: { jobId, status, createdAt: new Date(createdAt).toISOString(), links },
    };
  });

export const handler = createHandler({
  intake: createDynamoJobIntake({
    client: new DynamoDBClient(),
    tableName: config.JOB_TABLE_NAME,
    shardCount: config.SHARD_COUNT,
  }),
  startExecution: createSfnStartExecution({ client: new SFNClient(), stateMachineArn: config.STATE_MACHINE_ARN }),
  knownProviders: new Set(
    readCatalogue(config.PROVIDER_CATALOGUE, { PROVIDERS_API_URL: config.PROVIDERS_API_URL }).keys(),
  ),
  allowHttp: config.CALLBACK_ALLOW_HTTP,
  leaseMs: config.LEASE_SECONDS * 1000,
  fetchDeadlineMs: config.FETCH_DEADLINE_SECONDS * 1000,
  newId: uuidv7,
  now: Date.now,
  log: createLog('webhook'),
});

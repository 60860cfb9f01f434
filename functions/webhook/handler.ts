import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { CALL_LIMITS, timeLimited } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoClientRates } from '@boomerang/core/adapters/dynamo/client-rates.ts';
import { createDynamoFindCaller } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoJobControl } from '@boomerang/core/adapters/dynamo/job-control.ts';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { readCatalogue } from '@boomerang/core/adapters/file-catalogue.ts';
import { createSfnStartExecution } from '@boomerang/core/adapters/sfn-start-execution.ts';
import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { type Authenticate, createAuthenticate } from '@boomerang/core/http/authenticate.ts';
import { jobLinks } from '@boomerang/core/http/job-links.ts';
import { Problem } from '@boomerang/core/http/problem.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { createMeter } from '@boomerang/core/observability/meter.ts';
import { ClientRateExceeded, createLimitClient, type LimitClient } from '@boomerang/core/use-cases/limit-client.ts';
import { v7 as uuidv7 } from 'uuid';
import { type AcceptJobDeps, acceptJob, IdempotencyKeyReused } from './accept-job.ts';
import { config } from './config.ts';
import { type CallbackRules, createWebhookSchema, webhookHeadersSchema } from './schema.ts';

export type Deps = AcceptJobDeps & {
  authenticate: Authenticate;
  limitClient: LimitClient;
  knownProviders: ReadonlySet<string>;
  callbackRules: CallbackRules;
};

/** `POST /webhook`: takes a job and answers at once; the work is done elsewhere. */
export const createHandler = (deps: Deps) => {
  const { log, authenticate, limitClient, knownProviders, callbackRules } = deps;
  const route = {
    authenticate,
    body: createWebhookSchema(knownProviders, callbackRules),
    headers: webhookHeadersSchema,
  };
  return apiHandler(log, route, async ({ caller, body, headers }) => {
    const { clientId } = caller;
    await limitClient(caller).catch(toProblem);
    const idempotencyKey = headers['idempotency-key'];
    const { job, isReplayed } = await acceptJob(deps, { clientId, idempotencyKey, body }).catch(toProblem);
    const links = jobLinks(job.jobId);
    return {
      statusCode: 202,
      headers: { location: links.self, ...(isReplayed && { 'idempotent-replayed': 'true' }) },
      body: { jobId: job.jobId, status: 'PENDING', createdAt: new Date(job.createdAt).toISOString(), links },
    };
  });
};

const toProblem = (error: unknown): never => {
  if (error instanceof ClientRateExceeded) {
    const { ratePerSecond, retryAfterMs } = error;
    throw new Problem(429, `This client may post ${ratePerSecond} jobs a second, averaged over a minute.`, {
      headers: { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) },
    });
  }
  if (!(error instanceof IdempotencyKeyReused)) throw error;
  throw new Problem(422, 'This idempotency key was used before, for another request.');
};

const database = new DynamoDBClient(timeLimited(CALL_LIMITS.api));
const log = createLog('webhook');
const table = { client: database, tableName: config.JOB_TABLE_NAME, shardCount: config.SHARD_COUNT };

export const handler = createHandler({
  authenticate: createAuthenticate(createDynamoFindCaller({ client: database, tableName: config.CLIENT_TABLE_NAME })),
  limitClient: createLimitClient({
    rates: createDynamoClientRates(table),
    defaultRatePerSecond: config.CLIENT_RATE_PER_SECOND,
    now: Date.now,
    random: Math.random,
    log,
  }),
  intake: createDynamoJobIntake(table),
  control: createDynamoJobControl({ ...table, client: new DynamoDBClient(timeLimited(CALL_LIMITS.release)) }),
  startExecution: createSfnStartExecution({
    client: new SFNClient(timeLimited(CALL_LIMITS.start)),
    stateMachineArn: config.STATE_MACHINE_ARN,
  }),
  knownProviders: new Set(
    readCatalogue(config.PROVIDER_CATALOGUE, { PROVIDERS_API_URL: config.PROVIDERS_API_URL }).keys(),
  ),
  callbackRules: { allowHttp: config.CALLBACK_ALLOW_HTTP, exceptions: config.CALLBACK_ALLOW },
  leaseMs: config.LEASE_SECONDS * 1000,
  fetchDeadlineMs: config.FETCH_DEADLINE_SECONDS * 1000,
  meter: createMeter(),
  newId: uuidv7,
  now: Date.now,
  log,
});

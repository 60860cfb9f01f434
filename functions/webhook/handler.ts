import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { CALL_LIMITS, createAwsClient } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoClientRates } from '@boomerang/core/adapters/dynamo/client-rates.ts';
import { createDynamoFindCaller } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoJobControl } from '@boomerang/core/adapters/dynamo/job-control.ts';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { readOffers } from '@boomerang/core/adapters/file-offers.ts';
import { createSfnStartExecution } from '@boomerang/core/adapters/sfn-start-execution.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import type { Offers } from '@boomerang/core/domain/catalogue/offers.ts';
import { toIso } from '@boomerang/core/domain/time.ts';
import { apiHandler, validateBody } from '@boomerang/core/http/api-handler.ts';
import { type Authenticate, createAuthenticate } from '@boomerang/core/http/authenticate.ts';
import { jobLinks } from '@boomerang/core/http/job-links.ts';
import { Problem, retryAfter } from '@boomerang/core/http/problem.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { createMetrics } from '@boomerang/core/observability/metrics.ts';
import type { JobIntake } from '@boomerang/core/ports/jobs.ts';
import { ClientRateExceeded, createLimitClient, type LimitClient } from '@boomerang/core/use-cases/limit-client.ts';
import { v7 as uuidv7 } from 'uuid';
import * as z from 'zod';
import { type AcceptJobDeps, acceptJob, findReplay, IdempotencyKeyReused } from './accept-job.ts';
import { type JobRequest, parseShape } from './job-request.ts';
import { type CallbackRules, createWebhookSchema, webhookHeadersSchema } from './schema.ts';

export type Deps = AcceptJobDeps & {
  intake: JobIntake;
  authenticate: Authenticate;
  limitClient: LimitClient;
  catalogue: Offers;
  callbackRules: CallbackRules;
};

/** `POST /webhook`: accepts a job and responds at once. The state machine does the work. */
export const createHandler = (deps: Deps) => {
  const { log, authenticate, limitClient, catalogue, callbackRules } = deps;
  const schema = createWebhookSchema(catalogue, callbackRules);
  const route = { authenticate, body: z.unknown(), headers: webhookHeadersSchema };
  return apiHandler(log, route, async ({ caller, body: rawBody, headers }) => {
    const idempotencyKey = headers['idempotency-key'];
    const { body, refusal } = readRequest(schema, rawBody, idempotencyKey);
    await limitClient(caller).catch(throwProblem);
    const posted = { clientId: caller.clientId, idempotencyKey, body };
    const accepted = await (refusal ? findReplay : acceptJob)(deps, posted).catch(throwProblem);
    if (!accepted) throw refusal;
    const { job, isReplayed } = accepted;
    const links = jobLinks(job.jobId);
    return {
      statusCode: 202,
      headers: { location: links.self, ...(isReplayed && { 'idempotent-replayed': 'true' }) },
      body: { jobId: job.jobId, status: 'PENDING', createdAt: toIso(job.createdAt), links },
    };
  });
};

/**
 * Parses a request. An invalid request may still be the replay of one that was valid: a catalogue edit must not turn that
 * replay into a 422. Such a request is parsed by shape only, and `refusal` is thrown unless it is a replay.
 *
 * @throws Problem 422
 */
const readRequest = (
  schema: ReturnType<typeof createWebhookSchema>,
  rawBody: unknown,
  idempotencyKey: string | undefined,
): { body: JobRequest; refusal?: Problem } => {
  try {
    return { body: validateBody(schema, rawBody) };
  } catch (refusal) {
    const body = idempotencyKey === undefined ? undefined : parseShape(rawBody);
    if (!body || !(refusal instanceof Problem)) throw refusal;
    return { body, refusal };
  }
};

const throwProblem = (error: unknown): never => {
  if (error instanceof ClientRateExceeded) {
    const { ratePerSecond, retryAfterMs } = error;
    throw new Problem(429, `This client may post ${ratePerSecond} jobs a second, averaged over a minute.`, {
      headers: retryAfter(Math.max(1, retryAfterMs)),
    });
  }
  if (!(error instanceof IdempotencyKeyReused)) throw error;
  throw new Problem(422, 'This idempotency key was already used for a different request.');
};

const config = readSettings(
  [
    'JOB_TABLE_NAME',
    'CLIENT_TABLE_NAME',
    'STATE_MACHINE_ARN',
    'PROVIDER_CATALOGUE',
    'CALLBACK_ALLOW',
    'CALLBACK_ALLOW_HTTP',
    'LEASE_SECONDS',
    'FETCH_DEADLINE_SECONDS',
    'SHARD_COUNT',
    'CLIENT_RATE_PER_SECOND',
  ],
  process.env,
);
const database = createAwsClient(DynamoDBClient, CALL_LIMITS.api);
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
  control: createDynamoJobControl({ ...table, client: createAwsClient(DynamoDBClient, CALL_LIMITS.release) }),
  startExecution: createSfnStartExecution({
    client: createAwsClient(SFNClient, CALL_LIMITS.start),
    stateMachineArn: config.STATE_MACHINE_ARN,
  }),
  catalogue: readOffers(config.PROVIDER_CATALOGUE),
  callbackRules: { allowHttp: config.CALLBACK_ALLOW_HTTP, exceptions: config.CALLBACK_ALLOW },
  leaseMs: config.LEASE_SECONDS * 1000,
  fetchDeadlineMs: config.FETCH_DEADLINE_SECONDS * 1000,
  metrics: createMetrics(),
  newId: uuidv7,
  now: Date.now,
  log,
});

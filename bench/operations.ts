import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumedCapacity, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoCircuits } from '@boomerang/core/adapters/dynamo/circuits.ts';
import { createDynamoDueJobs } from '@boomerang/core/adapters/dynamo/due-jobs.ts';
import { createDynamoJobControl } from '@boomerang/core/adapters/dynamo/job-control.ts';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { createDynamoJobOutcomes } from '@boomerang/core/adapters/dynamo/job-outcomes.ts';
import { createDynamoJobReader } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { createDynamoLimits } from '@boomerang/core/adapters/dynamo/limits.ts';
import {
  createDynamoResultReader,
  createDynamoResultRemover,
  createDynamoResultRenewer,
  createDynamoResultWriter,
} from '@boomerang/core/adapters/dynamo/result-store.ts';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import type { ClaimedJob } from '@boomerang/core/contracts/claimed-job.ts';
import { fetchOutcomeSchema } from '@boomerang/core/contracts/provider-outcome.ts';
import { providerSchema } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { providerCircuitKey, receiverCircuitKey } from '@boomerang/core/domain/circuit.ts';
import { toClaimedJob } from '@boomerang/core/domain/job.ts';
import type { SendHttp } from '@boomerang/core/ports/http.ts';
import { newSigningSecret } from '@boomerang/core/security/credentials.ts';
import { createCircuitBreaker } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { v7 as uuidv7 } from 'uuid';
import { deliverCallback } from '../functions/callback-deliver/deliver-callback.ts';
import { settleJob } from '../functions/job-settle/settle-job.ts';
import { fetchProvider } from '../functions/provider-fetch/fetch-provider.ts';
import { createCallLimiter } from '../functions/provider-fetch/limit-calls.ts';
import { acceptJob } from '../functions/webhook/accept-job.ts';
import { startInstance } from '../local/instance.ts';
import { startTables } from '../tests/integration/database.ts';
import { startReceiver } from './receiver.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const noop = async () => {};

/** An SDK call, and its capacity units by table or index. */
export type Operation = { name: string; units: Record<string, number> };

const READS = ['GetItem', 'Query', 'BatchGetItem'];

/**
 * Records the operations of a client.
 * @returns a function that returns the operations since it was last called
 */
const recordOperations = (client: DynamoDBClient) => {
  let recorded: Operation[] = [];
  client.middlewareStack.add(
    (next, context) => async (args) => {
      Object.assign(args.input, { ReturnConsumedCapacity: 'INDEXES' });
      const result = await next(args);
      const { ConsumedCapacity } = result.output as { ConsumedCapacity?: ConsumedCapacity };
      const name = String(context.commandName).replace('Command', '');
      const { Table, GlobalSecondaryIndexes = {} } = ConsumedCapacity ?? {};
      const targets = Object.entries({ table: Table, ...GlobalSecondaryIndexes });
      const units = Object.fromEntries(targets.map(([target, consumed]) => [target, consumed?.CapacityUnits ?? 0]));
      recorded.push({ name, units });
      return result;
    },
    { step: 'initialize' },
  );
  return () => {
    const operations = recorded;
    recorded = [];
    return operations;
  };
};

/** The embedded database doesn't count units of indexes. DynamoDB Local, at `DYNAMODB_URL`, counts like AWS. */
const countsUnits = process.env.DYNAMODB_URL !== undefined;

const describe = (all: Operation[]): string => {
  const reads = all.filter(({ name }) => READS.includes(name));
  const writes = all.filter((operation) => !reads.includes(operation));
  const count = (operations: Operation[], kind: string) => {
    const units: Record<string, number> = {};
    for (const operation of operations) {
      for (const [target, consumed] of Object.entries(operation.units)) units[target] = (units[target] ?? 0) + consumed;
    }
    const sums = Object.entries(units).map(([target, consumed]) => `${target} ${consumed}`);
    return `${operations.length} ${kind}${countsUnits && sums.length > 0 ? ` (units: ${sums.join(', ')})` : ''}`;
  };
  return `${count(writes, 'writes')}, ${count(reads, 'reads')}: ${all.map(({ name }) => name).join(', ')}`;
};

const LARGE_BYTES = 100 * 1024;

/** A provider that answers with this many base64 characters of random data. */
const randomResponses =
  (bytes: number): SendHttp =>
  async () => ({
    statusCode: 200,
    headers: { 'content-type': 'text/plain' },
    body: Buffer.from(randomBytes((bytes * 3) / 4).toString('base64')),
    durationMs: 1,
  });

/** A provider that accepts each request, but never finishes. */
const polledCatalogue = new Map([
  [
    'internet',
    providerSchema.parse({ id: 'internet', url: 'https://reports.example/', polling: { statusUrl: 'location' } }),
  ],
]);
const stillWorking: SendHttp = async () => ({
  statusCode: 202,
  headers: { location: '/work/7' },
  body: Buffer.alloc(0),
  durationMs: 1,
});

/**
 * Counts the table operations of jobs with two providers, at the SDK client: those of a healthy job, and those added by a
 * failed attempt, by an execution without a call, by a poll and by a large result.
 */
export const countOperations = async () => {
  const instance = await startInstance({ FAILURE_RATE: '0', SWEEP_SECONDS: '60' });
  const receiver = await startReceiver();
  const { client, close } = await startTables();
  const takeOperations = recordOperations(client);
  const table = { client, tableName: 'JobTable', shardCount: 4 };
  const results = {
    ...createDynamoResultWriter(table),
    ...createDynamoResultReader(table),
    ...createDynamoResultRenewer(table),
    ...createDynamoResultRemover(table),
  };
  const outcomes = createDynamoJobOutcomes(table);
  const rules = { windowMs: 60_000, minCalls: 20, failureRate: 0.9, openMs: 60_000 };
  const policy = {
    schedule: { stepsMs: [1_000] as const },
    patienceMs: 600_000,
    retentionMs: 60_000,
    fetchDeadlineMs: 86_400_000,
  };
  const startedAt = Date.now();
  const clockAndLog = { now: Date.now, log: silent };
  const common = {
    ...clockAndLog,
    random: Math.random,
    send: createNodeHttp(),
    // The breaker caches circuits for five seconds. Its clock stands still, so that the cache stays valid during the count.
    breaker: createCircuitBreaker({
      ...clockAndLog,
      now: () => startedAt,
      random: Math.random,
      circuits: createDynamoCircuits(table),
      rules,
      announce: noop,
    }),
    limitCalls: createCallLimiter({
      ...clockAndLog,
      random: Math.random,
      limits: createDynamoLimits({ ...table, random: Math.random }),
      sleep,
    }),
    isPaused: false,
    minPollMs: 1_000,
    results,
    outcomes,
    policy,
    jobs: createDynamoJobReader(table),
    fetchDeadlineMs: policy.fetchDeadlineMs,
    // Neither needs a table operation.
    publish: noop,
    metrics: { count: () => {}, milliseconds: () => {}, seconds: () => {} },
  };
  const catalogue = new Map(
    ['gas', 'internet'].map((id) => [
      id,
      providerSchema.parse({ id, url: `${instance.providersUrl}/providers/${id}` }),
    ]),
  );

  const accept = async (): Promise<ClaimedJob> => {
    let started: ClaimedJob | undefined;
    await acceptJob(
      {
        ...common,
        intake: createDynamoJobIntake(table),
        control: createDynamoJobControl(table),
        startExecution: async ([job]) => {
          started = job;
        },
        newId: uuidv7,
        leaseMs: 360_000,
      },
      {
        clientId: 'local',
        idempotencyKey: undefined,
        body: { providers: ['gas', 'internet'], callbackUrl: receiver.url },
      },
    );
    if (!started) throw new Error('no execution was started');
    return started;
  };
  /** Fetches from a provider, and returns the outcome in the form that the state machine passes on. */
  const fetchFor = async ({ jobId, claims, leasedUntil }: ClaimedJob, providerId: string) =>
    fetchOutcomeSchema.parse(
      await fetchProvider(
        { ...common, catalogue, findSecret: async () => '' },
        { jobId, claims, leasedUntil, providerId },
      ),
    );
  const fetchAndDeliver = async (job: ClaimedJob): Promise<void> => {
    await deliverCallback(
      {
        ...common,
        // Not counted: clients are in another table, and cached for a minute.
        findClient: async () => ({ secrets: [{ secret: newSigningSecret() }] }),
        userAgent: 'bench',
      },
      { ...job, results: await Promise.all(job.providers.map((providerId) => fetchFor(job, providerId))) },
    );
  };

  const warmUp = [providerCircuitKey('gas'), receiverCircuitKey('local', receiver.url)];
  for (const key of warmUp) await common.breaker.call({ key, longestCallMs: 1 }, noop, () => 'unknown');
  takeOperations();
  await fetchAndDeliver(await accept());
  const healthy = takeOperations();

  const job = await accept();
  takeOperations();
  const failed = { kind: 'failed', providerId: 'internet', failure: { class: 'timeout' } } as const;
  const afterFailure = { ...job, results: [await fetchFor(job, 'gas'), failed] };
  await settleJob(common, { job: afterFailure });
  // A time by which the job is due again.
  const now = Date.now() + 3_600_000;
  const due = createDynamoDueJobs(table);
  const claimed = await due.claim({ jobId: job.jobId, claims: job.claims, dueAt: now }, now, 360_000);
  if (!claimed) throw new Error('the job was not due');
  const retried = takeOperations();

  const deferred = { kind: 'deferred', providerId: 'internet', failure: { class: 'circuit_open' } } as const;
  await settleJob(
    { ...common, now: () => now },
    { job: { ...toClaimedJob(claimed, 'scheduled', now), results: [deferred] } },
  );
  const later = now + 3_600_000;
  const reclaimed = await due.claim({ jobId: job.jobId, claims: claimed.claims, dueAt: later }, later, 360_000);
  if (!reclaimed) throw new Error('the job was not due');
  const deferral = takeOperations();
  await fetchAndDeliver(toClaimedJob(reclaimed, 'scheduled', later));
  // After a failed attempt, the delivery reads the job and the results stored before.
  const lastReads = takeOperations().filter(({ name }) => READS.includes(name));

  const polledJob = await accept();
  const pollingDeps = { ...common, findSecret: async () => '', send: stillWorking, catalogue: polledCatalogue };
  /** Polls a provider that is still working, settles the job, and claims it when it is due again. */
  const pollAndReclaim = async (claim: ClaimedJob, at: number): Promise<ClaimedJob> => {
    const deps = { ...pollingDeps, now: () => at };
    const { jobId, claims, leasedUntil } = claim;
    const polled = await fetchProvider(deps, { jobId, claims, leasedUntil, providerId: 'internet' });
    await settleJob(deps, { job: { ...claim, results: [fetchOutcomeSchema.parse(polled)] } });
    const next = at + 3_600_000;
    const claimedAgain = await due.claim({ jobId, claims, dueAt: next }, next, 360_000);
    if (!claimedAgain) throw new Error('the job was not due');
    return toClaimedJob(claimedAgain, 'scheduled', next);
  };
  const secondClaim = await pollAndReclaim(polledJob, Date.now());
  takeOperations();
  await pollAndReclaim(secondClaim, Date.now() + 3_600_000);
  const poll = takeOperations();

  const large = await accept();
  takeOperations();
  const { jobId, claims, leasedUntil } = large;
  const largeDeps = { ...common, findSecret: async () => '', send: randomResponses(LARGE_BYTES), catalogue };
  await fetchProvider(largeDeps, { jobId, claims, leasedUntil, providerId: 'gas' });
  const stored = takeOperations();

  await receiver.close();
  await close();
  await instance.stop();
  return { healthy, failedAttempt: [...retried, ...lastReads], deferral, poll, stored };
};

/** Prints the operations of `countOperations`. tests/integration/operations.test.ts asserts them. */
export const benchOperations = async (): Promise<[string, string][]> => {
  const { healthy, failedAttempt, deferral, poll, stored } = await countOperations();
  return [
    ['table operations of a healthy job (goal: 2 writes, 0 reads)', describe(healthy)],
    ['added by one more attempt', describe(failedAttempt)],
    ['added by an execution without a call', describe(deferral)],
    ['added by a poll that finds the provider still working', describe(poll)],
    [`added by storing an incompressible result of ${LARGE_BYTES / 1024} KiB`, describe(stored)],
  ];
};

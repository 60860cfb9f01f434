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
const quiet = async () => {};

/** Capacity units by what they are of: the table, or an index. */
type Operation = { name: string; units: Record<string, number> };

const READS = ['GetItem', 'Query', 'BatchGetItem'];

/** Records what a client is sent: the operations, and the capacity units that they took. */
const record = (client: DynamoDBClient) => {
  let sent: Operation[] = [];
  client.middlewareStack.add(
    (next, context) => async (args) => {
      Object.assign(args.input, { ReturnConsumedCapacity: 'INDEXES' });
      const result = await next(args);
      const { ConsumedCapacity } = result.output as { ConsumedCapacity?: ConsumedCapacity };
      const name = String(context.commandName).replace('Command', '');
      const { Table, GlobalSecondaryIndexes = {} } = ConsumedCapacity ?? {};
      const places = Object.entries({ table: Table, ...GlobalSecondaryIndexes });
      const units = Object.fromEntries(places.map(([place, taken]) => [place, taken?.CapacityUnits ?? 0]));
      sent.push({ name, units });
      return result;
    },
    { step: 'initialize' },
  );
  /** What was sent since it was asked last. */
  return () => {
    const taken = sent;
    sent = [];
    return taken;
  };
};

/** The embedded database counts no units for indexes; DynamoDB Local, at `DYNAMODB_URL`, counts as AWS does. */
const countsUnits = process.env.DYNAMODB_URL !== undefined;

const describe = (sent: Operation[]): string => {
  const reads = sent.filter(({ name }) => READS.includes(name));
  const writes = sent.filter((operation) => !reads.includes(operation));
  const count = (operations: Operation[], what: string) => {
    const units: Record<string, number> = {};
    for (const operation of operations) {
      for (const [place, taken] of Object.entries(operation.units)) units[place] = (units[place] ?? 0) + taken;
    }
    const places = Object.entries(units).map(([place, taken]) => `${place} ${taken}`);
    return `${operations.length} ${what}${countsUnits && places.length > 0 ? ` (units: ${places.join(', ')})` : ''}`;
  };
  return `${count(writes, 'writes')}, ${count(reads, 'reads')}: ${sent.map(({ name }) => name).join(', ')}`;
};

const LARGE_BYTES = 100 * 1024;

/** A provider whose answer is so many random bytes, in base64. */
const answersOf =
  (bytes: number): SendHttp =>
  async () => ({
    statusCode: 200,
    headers: { 'content-type': 'text/plain' },
    body: Buffer.from(randomBytes((bytes * 3) / 4).toString('base64')),
    durationMs: 1,
  });

/** A provider that accepts each request, and is never done. */
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
 * The table operations of two-provider jobs, counted where the SDK sends them: of one that is healthy, and of what one more
 * attempt adds where a provider fails once.
 */
export const benchOperations = async (): Promise<[string, string][]> => {
  const instance = await startInstance({ FAILURE_RATE: '0', SWEEP_SECONDS: '60' });
  const receiver = await startReceiver();
  const { client, close } = await startTables();
  const take = record(client);
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
  const clock = { now: Date.now, log: silent };
  const common = {
    ...clock,
    random: Math.random,
    send: createNodeHttp(),
    // Of a warm function: circuits of providers, and the receiver's, are read once in five seconds, however many jobs.
    breaker: createCircuitBreaker({
      ...clock,
      random: Math.random,
      circuits: createDynamoCircuits(table),
      rules,
      announce: quiet,
    }),
    limitCalls: createCallLimiter({
      ...clock,
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
    // Neither costs a table operation.
    publish: quiet,
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
        fetchDeadlineMs: policy.fetchDeadlineMs,
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
  /** As the state machine hands it on. */
  const fetch = async ({ jobId, claims, leasedUntil }: ClaimedJob, providerId: string) =>
    fetchOutcomeSchema.parse(
      await fetchProvider(
        { ...common, catalogue, findSecret: async () => '' },
        { jobId, claims, leasedUntil, providerId },
      ),
    );
  const deliver = async (job: ClaimedJob): Promise<void> => {
    await deliverCallback(
      {
        ...common,
        // Remembered for a minute, in another table: not a cost of each job.
        findClient: async () => ({ secrets: [{ secret: newSigningSecret() }] }),
        userAgent: 'bench',
      },
      { ...job, results: await Promise.all(job.providers.map((providerId) => fetch(job, providerId))) },
    );
  };

  const warmUp = [providerCircuitKey('gas'), receiverCircuitKey('local', receiver.url)];
  for (const key of warmUp) await common.breaker.call({ key, longestCallMs: 1 }, quiet, () => 'unknown');
  take();
  await deliver(await accept());
  const healthy = take();

  const job = await accept();
  take();
  const failed = { kind: 'failed', providerId: 'internet', failure: { class: 'timeout' } } as const;
  const worked = { ...job, results: [await fetch(job, 'gas'), failed] };
  await settleJob(common, { job: worked });
  // Long after it became due.
  const now = Date.now() + 3_600_000;
  const due = createDynamoDueJobs(table);
  const claimed = await due.claim({ jobId: job.jobId, claims: job.claims, dueAt: now }, now, 360_000);
  if (!claimed) throw new Error('the job was not due');
  const again = take();

  const deferred = { kind: 'deferred', providerId: 'internet', failure: { class: 'circuit_open' } } as const;
  await settleJob(
    { ...common, now: () => now },
    { job: { ...toClaimedJob(claimed, 'scheduled', now), results: [deferred] } },
  );
  const later = now + 3_600_000;
  const reclaimed = await due.claim({ jobId: job.jobId, claims: claimed.claims, dueAt: later }, later, 360_000);
  if (!reclaimed) throw new Error('the job was not due');
  const without = take();
  await deliver(toClaimedJob(reclaimed, 'scheduled', later));
  const last = take().filter(({ name }) => READS.includes(name));

  const report = await accept();
  const working = { ...common, findSecret: async () => '', send: stillWorking, catalogue: polledCatalogue };
  /** One turn of a job whose provider is still working: it is asked, settled, and claimed when it is due again. */
  const turn = async (claim: ClaimedJob, at: number): Promise<ClaimedJob> => {
    const clocked = { ...working, now: () => at };
    const { jobId, claims, leasedUntil } = claim;
    const asked = await fetchProvider(clocked, { jobId, claims, leasedUntil, providerId: 'internet' });
    await settleJob(clocked, { job: { ...claim, results: [fetchOutcomeSchema.parse(asked)] } });
    const next = at + 3_600_000;
    const taken = await due.claim({ jobId, claims, dueAt: next }, next, 360_000);
    if (!taken) throw new Error('the job was not due');
    return toClaimedJob(taken, 'scheduled', next);
  };
  const begun = await turn(report, Date.now());
  take();
  await turn(begun, Date.now() + 3_600_000);
  const polled = take();

  const large = await accept();
  take();
  const sent = { ...common, findSecret: async () => '', send: answersOf(LARGE_BYTES) };
  const { jobId, claims, leasedUntil } = large;
  await fetchProvider({ ...sent, catalogue }, { jobId, claims, leasedUntil, providerId: 'gas' });
  const stored = take();

  await receiver.close();
  await close();
  await instance.stop();
  return [
    ['table operations of a healthy job (goal: 2 writes, 0 reads)', describe(healthy)],
    ['what one more attempt adds', describe([...again, ...last])],
    ['what a turn without a call adds', describe(without)],
    ['what a turn adds in which a provider is still working', describe(polled)],
    [`what storing a result of ${LARGE_BYTES / 1024} KiB that does not compress adds`, describe(stored)],
  ];
};

import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createDynamoCircuits } from '@boomerang/core/adapters/dynamo/circuits.ts';
import { createDynamoJobControl } from '@boomerang/core/adapters/dynamo/job-control.ts';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { createDynamoJobOutcomes } from '@boomerang/core/adapters/dynamo/job-outcomes.ts';
import { createDynamoLimits } from '@boomerang/core/adapters/dynamo/limits.ts';
import { createDynamoResultReader, createDynamoResultWriter } from '@boomerang/core/adapters/dynamo/result-store.ts';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import type { ClaimedJob } from '@boomerang/core/contracts/claimed-job.ts';
import { newSigningSecret } from '@boomerang/core/security/credentials.ts';
import { createCircuitBreaker } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { v7 as uuidv7 } from 'uuid';
import { deliverCallback } from '../functions/callback-deliver/deliver-callback.ts';
import { fetchProvider } from '../functions/provider-fetch/fetch-provider.ts';
import { createCallLimiter } from '../functions/provider-fetch/limit-calls.ts';
import { acceptJob } from '../functions/webhook/accept-job.ts';
import { startInstance } from '../local/instance.ts';
import { startReceiver } from './receiver.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The table operations of a healthy two-provider job, counted where the SDK sends them. */
export const benchOperations = async (): Promise<[string, string][]> => {
  const instance = await startInstance({ FAILURE_RATE: '0', SWEEP_SECONDS: '60' });
  const receiver = await startReceiver();
  const client = new DynamoDBClient({ endpoint: instance.endpoints?.dynamodb ?? '' });
  const sent: string[] = [];
  client.middlewareStack.add(
    (next, context) => (args) => {
      sent.push(String(context.commandName).replace('Command', ''));
      return next(args);
    },
    { step: 'initialize' },
  );
  const table = { client, tableName: 'JobTable', shardCount: 4 };
  const results = { ...createDynamoResultWriter(table), ...createDynamoResultReader(table) };
  const rules = { windowMs: 60_000, minCalls: 20, failureRate: 0.9, openMs: 60_000 };
  const quiet = async () => {};
  const clock = { now: Date.now, log: silent };
  const common = {
    ...clock,
    send: createNodeHttp(),
    // Of a function that is warm: what is open is read once in five seconds, however many jobs.
    breaker: createCircuitBreaker({ ...clock, circuits: createDynamoCircuits(table), rules, announce: quiet }),
    limitCalls: createCallLimiter({ ...clock, limits: createDynamoLimits({ ...table, random: Math.random }), sleep }),
    isPaused: false,
    // Neither costs a table operation.
    publish: quiet,
    meter: { count: () => {}, milliseconds: () => {}, seconds: () => {} },
  };
  const warmUp = await common.breaker.enter('provider#gas');
  await common.breaker.leave(warmUp, true);
  sent.length = 0;
  const started: ClaimedJob[] = [];
  await acceptJob(
    {
      ...common,
      intake: createDynamoJobIntake(table),
      control: createDynamoJobControl(table),
      startExecution: async (jobs) => void started.push(...jobs),
      newId: uuidv7,
      leaseMs: 360_000,
      fetchDeadlineMs: 86_400_000,
    },
    {
      clientId: 'local',
      idempotencyKey: undefined,
      body: { providers: ['gas', 'internet'], callbackUrl: receiver.url },
    },
  );
  const catalogue = new Map(
    ['gas', 'internet'].map((id) => [
      id,
      { id, url: `${instance.providersUrl}/providers/${id}`, timeoutMs: 10_000, maxBytes: 1_000_000 },
    ]),
  );
  for (const job of started) {
    const { jobId, claims, leasedUntil } = job;
    const fetched = await Promise.all(
      job.providers.map((providerId) =>
        fetchProvider(
          { ...common, catalogue, findSecret: async () => '', results, resultLifeMs: 0 },
          { jobId, claims, leasedUntil, providerId },
        ),
      ),
    );
    await deliverCallback(
      {
        ...common,
        results,
        // Remembered for a minute, in another table: not a cost of each job.
        findClient: async () => ({ secrets: [{ secret: newSigningSecret() }] }),
        outcomes: createDynamoJobOutcomes(table),
        policy: { schedule: { stepsMs: [1_000] }, patienceMs: 600_000, retentionMs: 60_000 },
        userAgent: 'bench',
      },
      { ...job, results: fetched },
    );
  }
  await receiver.close();
  await instance.stop();
  const writes = sent.filter((name) => !['GetItem', 'Query', 'Scan', 'BatchGetItem'].includes(name)).length;
  return [
    [
      'table operations of a healthy job (goal: 2 writes, 0 reads)',
      `${writes} writes, ${sent.length - writes} reads (${sent.join(', ')})`,
    ],
  ];
};

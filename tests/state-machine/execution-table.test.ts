import { type ClaimedJob, claimedJobSchema } from '@boomerang/core/contracts/claimed-job.ts';
import { caughtErrorSchema, readTaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import {
  CallbackCircuitOpen,
  CallbackRejected,
  CallbackThrottled,
  CallbackUnavailable,
  LeaseLost,
  OutcomeNotSaved,
  Paused,
  ProviderCircuitOpen,
  ProviderLimitReached,
  ProviderRefused,
  ProviderThrottled,
  ProviderUnavailable,
  ResultMissing,
} from '@boomerang/core/domain/failures.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { deliverRequestSchema } from '../../functions/callback-deliver/schema.ts';
import { sweepSchema } from '../../functions/job-claim/schema.ts';
import { settleRequestSchema } from '../../functions/job-settle/schema.ts';
import { fetchRequestSchema } from '../../functions/provider-fetch/schema.ts';
import { readDefinition, statesOf } from './definition.ts';
import { type Engine, embeddedEngine, remoteEngine } from './engines.ts';

const JOB_ID = '01a20b4c-cf47-716b-85d8-5343742576b8';

const aJob = (change: Partial<ClaimedJob> = {}): ClaimedJob =>
  claimedJobSchema.parse({
    v: 2,
    jobId: JOB_ID,
    createdAt: 1_800_000_000_000,
    clientId: 'client',
    webhookId: JOB_ID,
    claims: 1,
    leasedUntil: 4_102_444_800_000,
    trigger: 'immediate',
    callbackUrl: 'https://example.com/complete',
    order: ['gas', 'internet'],
    providers: ['gas', 'internet'],
    checkpointed: false,
    final: false,
    ...change,
  });

const fetchedFrom = (providerId: string) => ({
  providerId,
  status: 'FETCHED',
  fetchedAt: 1,
  bytes: 4,
  statusCode: 200,
  durationMs: 1,
  json: 'null',
});

/** The embedded cloud's interpreter, or the one at `ASL_ENGINE_URL`. */
let engine: Engine;

beforeAll(async () => {
  const { ASL_ENGINE_URL: url, ASL_LAMBDA_PORT: port } = process.env;
  engine = url ? await remoteEngine(url, port ? Number(port) : undefined) : embeddedEngine();
}, 60_000);

afterAll(async () => engine?.close());

/** Tasks whose result the state machine reads. Each run(…) that reaches one needs a fake of it. */
const WITH_RESULT = ['ClaimDueJobs', 'FetchProvider', 'StartBatch'];
/** Tasks whose result the state machine does not read. Without a fake they return `{}`. */
const WITHOUT_RESULT = ['RunRedrives', 'DeliverCallback', 'SettleJob'];

const unlisted = statesOf(readDefinition()).flatMap(([name, { Type }]) =>
  Type === 'Task' && ![...WITH_RESULT, ...WITHOUT_RESULT].includes(name) ? [name] : [],
);
// Thrown once for the file, not once for each row below.
if (unlisted.length > 0)
  throw new Error(
    `tests/state-machine/execution-table.test.ts: add ${unlisted.join(', ')} to WITHOUT_RESULT; if the state machine reads its result, to WITH_RESULT and to the tasks of each run(…).`,
  );

/**
 * Runs the real definition with a fake for each task, which returns or throws what the Lambda function would.
 * @throws Error naming each Task that ran without a fake
 */
const run = async (input: unknown, tasks: Record<string, (payload: never, call: number) => unknown>) => {
  const calls: Record<string, unknown[]> = {};
  const missing = new Set<string>();
  const ended = await engine.run(input, (name, payload) => {
    const payloads = [...(calls[name] ?? []), payload];
    calls[name] = payloads;
    const fake = tasks[name];
    if (!fake && !WITHOUT_RESULT.includes(name)) missing.add(name);
    return fake?.(payload as never, payloads.length) ?? {};
  });
  if (missing.size > 0)
    throw new Error(`Task without a fake: ${[...missing].join(', ')}. Add it to the tasks of this run(…).`);
  return { ...ended, calls, count: (name: string) => calls[name]?.length ?? 0 };
};

const throws = (error: Error) => () => {
  throw error;
};
const failure = { class: 'bad_status', statusCode: 500 } as const;

/** An error from AWS itself, whose message is not our JSON. */
const awsError = (name: string): Error => Object.assign(new Error('from AWS'), { name });

/** The failure that job-settle reads from an error. */
const failureOf = (error?: Error) => (error && 'failure' in error ? error.failure : { class: 'internal' });

const fetchUnless =
  (errors: Record<string, Error>, working: readonly string[] = []) =>
  (payload: { providerId: string }) => {
    const { providerId } = fetchRequestSchema.parse(payload);
    if (errors[providerId]) throw errors[providerId];
    return working.includes(providerId) ? { providerId, ...WORKING } : fetchedFrom(providerId);
  };

/** The result of a fetch from a provider that is still working. */
const WORKING = {
  status: 'UNAVAILABLE',
  ticket: { url: 'https://reports.example/work/7', since: 1_767_225_600_000, polls: 0 },
  retryAfterMs: 60_000,
} as const;

type Counted = { retryCount: number; providerId?: string };

describe('an execution with jobs', () => {
  type Row = {
    when: string;
    job?: Partial<ClaimedJob>;
    fetch?: Record<string, Error>;
    /** Providers that are still working. */
    working?: string[];
    deliver?: Error;
    settle?: Error;
    calls: [fetches: number, deliveries: number, settlements: number];
    /** Whether the execution fails because a job has to wait until its lease expires. */
    isLeftToLease?: boolean;
  };
  const rows: Row[] = [
    { when: 'both providers answer', calls: [2, 1, 0] },
    { when: 'a provider is unavailable', fetch: { gas: new ProviderUnavailable(failure) }, calls: [4, 0, 1] },
    { when: 'a provider throttles the fetch', fetch: { gas: new ProviderThrottled(failure) }, calls: [2, 0, 1] },
    { when: 'a provider is still working', working: ['gas'], calls: [2, 0, 1] },
    { when: 'both providers are still working', working: ['gas', 'internet'], calls: [2, 0, 1] },
    {
      when: 'a provider is still working at the fetch deadline',
      job: { final: true },
      working: ['gas'],
      calls: [2, 1, 0],
    },
    {
      when: 'one provider is still working and the other is unavailable',
      working: ['gas'],
      fetch: { internet: new ProviderUnavailable(failure) },
      calls: [4, 0, 1],
    },
    { when: 'a provider refuses', fetch: { gas: new ProviderRefused(failure) }, calls: [2, 1, 0] },
    { when: 'a fetch crashes', fetch: { gas: new TypeError('a bug') }, calls: [2, 0, 1] },
    {
      when: 'a provider throttles the fetch at the fetch deadline',
      job: { final: true },
      fetch: { gas: new ProviderThrottled(failure) },
      calls: [2, 1, 0],
    },
    {
      when: 'a provider is unavailable at the fetch deadline',
      job: { final: true },
      fetch: { gas: new ProviderUnavailable(failure) },
      calls: [4, 1, 0],
    },
    {
      when: 'Lambda throttles a fetch',
      fetch: { gas: awsError('Lambda.TooManyRequestsException') },
      calls: [4, 0, 1],
    },
    { when: 'the circuit of a provider is open', fetch: { gas: new ProviderCircuitOpen(failure) }, calls: [2, 0, 1] },
    {
      when: 'the limit of a provider is reached',
      fetch: { gas: new ProviderLimitReached(failure) },
      calls: [2, 0, 1],
    },
    { when: 'fetching is paused', fetch: { gas: new Paused(failure) }, calls: [2, 0, 1] },
    { when: 'the circuit of the receiver is open', deliver: new CallbackCircuitOpen(failure), calls: [2, 1, 1] },
    { when: 'the lease is too short to fetch', fetch: { gas: new LeaseLost(failure) }, calls: [2, 0, 1] },
    { when: 'all results were fetched before', job: { providers: [], checkpointed: true }, calls: [0, 1, 0] },
    {
      when: 'all due providers answer but another is waiting for its retry',
      job: { isAnyWaiting: true },
      calls: [2, 0, 1],
    },
    {
      when: 'no provider is due and one is waiting for its retry',
      job: { providers: [], isAnyWaiting: true },
      calls: [0, 0, 1],
    },
    {
      when: 'a provider is waiting for its retry at the fetch deadline',
      job: { isAnyWaiting: true, final: true },
      calls: [2, 1, 0],
    },
    { when: 'a stored result has expired', deliver: new ResultMissing('gas'), calls: [2, 1, 1] },
    { when: 'the receiver is unavailable', deliver: new CallbackUnavailable(failure), calls: [2, 3, 1] },
    { when: 'the receiver throttles the callback', deliver: new CallbackThrottled(failure), calls: [2, 1, 1] },
    { when: 'the receiver rejects the callback', deliver: new CallbackRejected(failure), calls: [2, 1, 1] },
    { when: 'the outcome of the callback is not saved', deliver: new OutcomeNotSaved(failure), calls: [2, 1, 1] },
    { when: 'the lease is too short to deliver', deliver: new LeaseLost(failure), calls: [2, 1, 1] },
    {
      when: 'Lambda throttles a delivery before it begins',
      deliver: awsError('Lambda.TooManyRequestsException'),
      calls: [2, 3, 1],
    },
    {
      when: 'Lambda fails during a delivery, which the receiver may have received',
      deliver: awsError('Lambda.ServiceException'),
      calls: [2, 1, 1],
    },
    {
      when: 'Lambda fails while settling',
      deliver: new CallbackRejected(failure),
      settle: awsError('Lambda.ServiceException'),
      calls: [2, 1, 3],
      isLeftToLease: true,
    },
    {
      when: 'settling crashes',
      deliver: new CallbackRejected(failure),
      settle: new TypeError('a bug'),
      calls: [2, 1, 1],
      isLeftToLease: true,
    },
  ];

  test.each(rows)(
    'when $when, calls FetchProvider $calls.0 ×, DeliverCallback $calls.1 ×, SettleJob $calls.2 ×',
    async ({ job, fetch = {}, working, deliver, settle, calls, isLeftToLease = false }) => {
      const execution = await run(
        { jobs: [aJob(job)] },
        {
          FetchProvider: fetchUnless(fetch, working),
          ...(deliver && { DeliverCallback: throws(deliver) }),
          ...(settle && { SettleJob: throws(settle) }),
        },
      );
      expect(['FetchProvider', 'DeliverCallback', 'SettleJob'].map(execution.count)).toEqual(calls);
      expect([execution.failed, execution.last]).toEqual([
        isLeftToLease,
        isLeftToLease ? 'JobsLeftToLease' : 'JobsDone',
      ]);
      expect(execution.count('ClaimDueJobs')).toBe(0);
      // Retries are counted for each provider separately.
      for (const name of ['FetchProvider', 'DeliverCallback']) {
        const counts = new Map<string, number>();
        for (const { retryCount, providerId = '' } of (execution.calls[name] ?? []) as Counted[]) {
          expect(retryCount).toBe(counts.get(providerId) ?? 0);
          counts.set(providerId, retryCount + 1);
        }
      }
      // Parsed here, because a Catch would swallow an error thrown inside a task.
      for (const payload of execution.calls.FetchProvider ?? []) fetchRequestSchema.parse(payload);
      for (const payload of execution.calls.DeliverCallback ?? []) deliverRequestSchema.parse(payload);
      for (const payload of execution.calls.SettleJob ?? []) {
        settleRequestSchema.parse(payload);
        const { deliveryError } = payload as { deliveryError?: unknown };
        const error = deliveryError === undefined ? undefined : caughtErrorSchema.parse(deliveryError);
        expect(error?.Error).toBe(deliver?.name);
        if (error) expect(readTaskFailure(error)).toEqual(failureOf(deliver));
      }
    },
  );

  test('passes each outcome, with its error, to job-settle', async () => {
    const { calls } = await run(
      { jobs: [aJob({ order: ['a', 'b', 'c'], providers: ['a', 'b', 'c'] })] },
      { FetchProvider: fetchUnless({ b: new ProviderRefused(failure), c: new ProviderThrottled(failure) }) },
    );
    const { job } = settleRequestSchema.parse(calls.SettleJob?.[0]);
    expect(job.results.map(({ providerId, kind }) => [providerId, kind])).toEqual([
      ['a', 'fetched'],
      ['b', 'refused'],
      ['c', 'failed'],
    ]);
  });

  test('passes the ticket of a provider that is still working to job-settle', async () => {
    const { calls } = await run({ jobs: [aJob()] }, { FetchProvider: fetchUnless({}, ['gas']) });
    const { job } = settleRequestSchema.parse(calls.SettleJob?.[0]);
    const { status: _, ...outcome } = WORKING;
    expect(job.results[0]).toEqual({ kind: 'working', providerId: 'gas', ...outcome });
  });

  test('processes every job of a batch even if one has to be retried', async () => {
    const jobs = Array.from({ length: 40 }, (_, index) => aJob({ claims: index + 1 }));
    const { count, failed } = await run(
      { jobs },
      {
        FetchProvider: ({ claims, providerId }: { claims: number; providerId: string }) =>
          claims === 7 ? throws(new ProviderThrottled(failure))() : fetchedFrom(providerId),
      },
    );
    expect([count('DeliverCallback'), count('SettleJob'), failed]).toEqual([39, 1, false]);
  });
});

test('an execution started by an older version, whose job lacks isAnyWaiting, delivers', async () => {
  const { isAnyWaiting: _, ...older } = aJob();
  const { last, count } = await run({ jobs: [older] }, { FetchProvider: fetchUnless({}) });
  expect([last, count('DeliverCallback'), count('SettleJob')]).toEqual(['JobsDone', 1, 0]);
});

test('a job that must wait until its lease expires fails the execution, but no other job of its batch', async () => {
  const { failed, last, count } = await run(
    { jobs: [aJob({ claims: 1 }), aJob({ claims: 2 }), aJob({ claims: 3 })] },
    {
      FetchProvider: ({ claims, providerId }: { claims: number; providerId: string }) =>
        claims === 2 ? throws(new ProviderThrottled(failure))() : fetchedFrom(providerId),
      SettleJob: throws(new TypeError('a bug')),
    },
  );
  expect([failed, last, count('DeliverCallback')]).toEqual([true, 'JobsLeftToLease', 2]);
});

describe('an execution without jobs', () => {
  test('claims in several passes, and starts an execution for each batch', async () => {
    const batch = (claims: number) => [aJob({ claims })];
    const { calls, last, failed } = await run(
      {},
      {
        ClaimDueJobs: (payload, call) => {
          sweepSchema.parse(payload);
          return { batches: call === 1 ? [batch(1), batch(2)] : [batch(3)], more: call === 1, claimed: call };
        },
        StartBatch: ({ jobs }: { jobs: ClaimedJob[] }, call) => {
          if (jobs[0]?.claims === 2 && call < 3) throws(new Error('not now'))();
          return { executionArn: 'arn' };
        },
      },
    );
    expect(calls.ClaimDueJobs).toEqual([{ claimed: 0 }, { claimed: 1 }]);
    const started = (calls.StartBatch as { jobs: ClaimedJob[] }[]).map(({ jobs }) => jobs[0]?.claims);
    expect(new Set(started)).toEqual(new Set([1, 2, 3]));
    expect([last, failed]).toEqual(['SweepDone', false]);
  });

  test('starts the other batches when one cannot be started, then fails without another pass', async () => {
    const { calls, last, failed } = await run(
      {},
      {
        ClaimDueJobs: (_, call) => ({
          batches: [[aJob({ claims: 1 })], [aJob({ claims: 2 })]],
          more: call === 1,
          claimed: 2 * call,
        }),
        StartBatch: ({ jobs }: { jobs: ClaimedJob[] }) =>
          jobs[0]?.claims === 1 ? throws(new Error('not now'))() : { executionArn: 'arn' },
      },
    );
    const started = (calls.StartBatch as { jobs: ClaimedJob[] }[]).map(({ jobs }) => jobs[0]?.claims);
    // Batch 1 is tried once and retried three times.
    expect(started.toSorted()).toEqual([1, 1, 1, 1, 2]);
    expect(calls.ClaimDueJobs).toHaveLength(1);
    expect([last, failed]).toEqual(['JobsLeftToLease', true]);
  });

  test('starts no execution after passes without a batch', async () => {
    const { last, failed, count } = await run(
      {},
      { ClaimDueJobs: (_, call) => ({ batches: [], more: call === 1, claimed: call }) },
    );
    expect([last, failed, count('ClaimDueJobs'), count('StartBatch')]).toEqual(['SweepDone', false, 2, 0]);
  });

  test('sweeps even if redrives fail', async () => {
    const { last, failed, count } = await run(
      {},
      { RunRedrives: throws(new TypeError('a bug')), ClaimDueJobs: () => ({ batches: [], more: false, claimed: 0 }) },
    );
    expect([last, failed, count('RunRedrives'), count('ClaimDueJobs')]).toEqual(['SweepDone', false, 1, 1]);
  });

  test('fails when claiming fails', async () => {
    const { failed, last } = await run({}, { ClaimDueJobs: throws(new TypeError('a bug')) });
    expect([failed, last]).toEqual([true, 'SweepFailed']);
  });
});

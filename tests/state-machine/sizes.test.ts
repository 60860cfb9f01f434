import type { ClaimedJob } from '@boomerang/core/contracts/claimed-job.ts';
import { jsonBytes } from '@boomerang/core/domain/json-values.ts';
import { describe, expect, test } from '@jest/globals';
import { StateMachine } from 'aws-local-stepfunctions';
import { createBatches, MAX_JOB_BYTES } from '../../functions/job-claim/batches.ts';
import { parseDefinition } from '../../local/retry-count.ts';
import { aClaim } from '../builders.ts';
import { acceptLargest, FILLINGS, largestClaim } from '../largest-job.ts';
import { type Machine, machinesOf, readDefinition, TASKS } from './definition.ts';

/** Maximum input or output of a state, a task or an execution, in bytes of UTF-8: a hard quota of Step Functions. */
const MAX_STATE_BYTES = 262_144;

type Json = Parameters<StateMachine['run']>[0];
type Fake = (payload: { providerId?: string }) => unknown;

/** The outer machine, and the machines inside its Maps that process a job and one of its providers. */
const [outer, , jobMachine, providerMachine] = machinesOf(readDefinition());

/**
 * The largest input or output of each state of an execution, in bytes.
 * @param machine a single machine, because the interpreter logs few events inside Maps
 */
const sizesOf = async (machine: Machine | undefined, input: unknown, fakes: Record<string, Fake>) => {
  const { StartAt, States } = machine ?? {};
  const runnable = new StateMachine(parseDefinition(JSON.stringify({ StartAt, States })), {
    validationOptions: { checkArn: false },
  });
  const handler = (name: string) => async (raw: Json) => {
    const { Payload } = raw as { Payload?: { providerId?: string } };
    return { Payload: (fakes[name]?.(Payload ?? {}) ?? {}) as Json };
  };
  const { result, eventLogs } = runnable.run(input as Json, {
    overrides: {
      taskResourceLocalHandlers: Object.fromEntries(TASKS.map((name) => [name, handler(name)])),
      retryIntervalOverrides: Object.fromEntries(TASKS.map((name) => [name, 0])),
    },
    context: { StateMachine: { Id: 'arn:machine' }, Execution: { Id: 'arn:execution' } },
  });
  await result.catch(() => {});
  const sizes = new Map<string, number>();
  const measure = (name: string, value: unknown) =>
    value !== undefined && sizes.set(name, Math.max(sizes.get(name) ?? 0, jsonBytes(value)));
  for await (const event of eventLogs) {
    if (event.type !== 'StateEntered' && event.type !== 'StateExited') continue;
    measure(event.state.name, event.state.input);
    measure(event.state.name, event.state.output);
  }
  return sizes;
};

/** The largest result that is passed inline: a JSON string of `MAX_INLINE_BYTES`. */
const largestResult: Fake = ({ providerId = '' }) => ({
  providerId,
  status: 'FETCHED',
  fetchedAt: 9_999_999_999_999,
  bytes: 1_048_576,
  statusCode: 200,
  durationMs: 14_999.123456789,
  tries: 3,
  json: '\\'.repeat(8 * 1024 - 1),
});

/** The largest error on AWS: its message, 1 KiB of JSON, is escaped twice and followed by a stack trace. */
const largestError = (name: string) => () => {
  const errorMessage = JSON.stringify({ class: 'connection_refused', excerpt: '"'.repeat(450) });
  const trace = Array.from({ length: 10 }, () => `    at ${'x'.repeat(250)}`);
  throw Object.assign(new Error(JSON.stringify({ errorType: name, errorMessage, trace })), { name });
};

const largestBatch = (): ClaimedJob[] => {
  const batches = createBatches();
  while (batches.toArray().length < 2) batches.add(largestClaim(), false);
  return batches.toArray()[0] ?? [];
};

describe('the largest job', () => {
  test.each(FILLINGS)('filled with %j is at most 6 KiB when claimed', (filling) => {
    const { parameters, metadata } = acceptLargest(filling);
    expect([jsonBytes(parameters), jsonBytes(metadata)]).toEqual([1024, 1024]);
    expect(jsonBytes(largestClaim(filling))).toBeLessThanOrEqual(MAX_JOB_BYTES);
    expect(jsonBytes(largestClaim(filling))).toBeGreaterThan(5 * 1024);
  });
});

describe('no state exceeds 256 KiB', () => {
  const expectFit = (sizes: Map<string, number>, names: string[]) => {
    expect([...sizes.keys()]).toEqual(expect.arrayContaining(names));
    expect([...sizes].filter(([, bytes]) => bytes > MAX_STATE_BYTES)).toEqual([]);
  };

  const error = largestError('CallbackRejected');

  test('in an execution with the largest batch', async () => {
    const jobs = largestBatch();
    expect(jobs.length).toBeGreaterThan(30);
    const input = { jobs, AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: 'x'.repeat(256) };
    const sizes = await sizesOf(outer, input, { FetchProvider: largestResult, DeliverCallback: error });
    expectFit(sizes, ['ProcessJobs', 'HasEnds', 'SummariseEnds']);
    expect(sizes.get('ProcessJobs')).toBeGreaterThan(190 * 1024);
  });

  test('while processing the largest job, whose receiver rejects the results of ten providers', async () => {
    const fakes = { FetchProvider: largestResult, DeliverCallback: error };
    const sizes = await sizesOf(jobMachine, largestClaim(), fakes);
    expectFit(sizes, ['FetchProviders', 'SummariseResults', 'IsReadyToDeliver', 'DeliverCallback', 'SettleJob']);
    expect(sizes.get('SettleJob')).toBeGreaterThan(160 * 1024);
  });

  test('while processing the largest job, whose providers all fail', async () => {
    const sizes = await sizesOf(
      jobMachine,
      { ...largestClaim(), final: false },
      { FetchProvider: largestError('ProviderThrottled') },
    );
    expectFit(sizes, ['FetchProviders', 'SummariseResults', 'SettleJob']);
  });

  test('while fetching from one provider of the largest job', async () => {
    const job = largestClaim();
    const { jobId, claims, leasedUntil, providers } = job;
    const input = { jobId, claims, leasedUntil, providerId: providers[0], job };
    const sizes = await sizesOf(providerMachine, input, { FetchProvider: largestError('ProviderThrottled') });
    expectFit(sizes, ['FetchProvider', 'KeepUnavailability']);
  });

  test.each<[string, () => ClaimedJob, isSuspect: boolean]>([
    ['the largest jobs', largestClaim, false],
    ['the largest jobs, each in its own batch', largestClaim, true],
    ['small jobs, each in its own batch', () => aClaim({ callbackUrl: 'https://a.example/' }), true],
  ])('in a sweep over an unlimited number of %s', async (_name, aJob, isSuspect) => {
    const batches = createBatches();
    while (!batches.isFull() && batches.room() > 0) {
      // job-claim runs up to 32 claims concurrently.
      for (let room = Math.min(32, batches.room()); room > 0; room -= 1) batches.add(aJob(), isSuspect);
    }
    const sweep = { batches: batches.toArray(), more: false, claimed: 1_000_000 };
    for (const batch of sweep.batches) {
      expect(batch.length).toBeLessThanOrEqual(40);
      expect(jsonBytes(batch)).toBeLessThanOrEqual(200 * 1024);
    }
    const sizes = await sizesOf(outer, {}, { ClaimDueJobs: () => sweep });
    expectFit(sizes, ['ClaimDueJobs', 'StartBatches', 'SummariseBatches', 'StartBatch']);
    expect(sizes.get('StartBatches')).toBeGreaterThan(198 * 1024);
  });
});

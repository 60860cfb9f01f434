import type { ClaimedJob } from '@boomerang/core/contracts/claimed-job.ts';
import type { Fetched, ProviderOutcome } from '@boomerang/core/contracts/provider-outcome.ts';
import type { TaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import type { WorkedJob } from '@boomerang/core/contracts/worked-job.ts';
import { type Job, newJob, toClaimedJob } from '@boomerang/core/domain/job.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { FindClient } from '@boomerang/core/ports/clients.ts';
import type { JobIntake } from '@boomerang/core/ports/jobs.ts';
import type { CircuitBreaker } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { v7 as uuidv7 } from 'uuid';

/** A time, epoch milliseconds. */
export const NOW = 1_800_000_000_000;
export const LEASE_MS = 360_000;

export const CLIENT_ID = 'client';
/** Of Standard Webhooks' own examples. */
export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** Finds the one client there is, with the one secret it has. */
export const findClient: FindClient = async (clientId) =>
  clientId === CLIENT_ID ? { secrets: [{ secret: SECRET }] } : undefined;

export const aJob = (change: Partial<Job> = {}): Job => ({
  ...newJob({
    jobId: uuidv7(),
    clientId: CLIENT_ID,
    providers: ['gas', 'internet'],
    callbackUrl: 'https://example.com/complete',
    now: NOW,
    leaseMs: LEASE_MS,
    fetchDeadlineMs: 86_400_000,
  }),
  ...change,
});

/** Stores a job, as a request of its own would. */
export const givenJob = async ({ intake }: { intake: JobIntake }, job: Job): Promise<void> => {
  await intake.create(job, { requestId: uuidv7(), requestHash: 'hash' }, job.createdAt);
};

export const aClaim = (change: Partial<ClaimedJob> = {}): ClaimedJob => ({
  ...toClaimedJob(aJob(), 'immediate', NOW),
  ...change,
});

export const fetched = (providerId: string, json = `"${providerId}"`): Fetched => ({
  providerId,
  status: 'FETCHED',
  fetchedAt: NOW,
  bytes: Buffer.byteLength(json),
  durationMs: 5,
  statusCode: 200,
  json,
});

/** An error as a Catch keeps it on AWS. */
export const caught = (name: string, failure: TaskFailure = { class: 'bad_status', statusCode: 500 }) => ({
  Error: name,
  Cause: JSON.stringify({ errorType: name, errorMessage: JSON.stringify(failure), trace: [] }),
});

export const unavailable = (providerId: string, failure?: TaskFailure): ProviderOutcome => ({
  providerId,
  status: 'UNAVAILABLE',
  error: caught('ProviderUnavailable', failure),
});

export const refused = (providerId: string): ProviderOutcome => ({
  providerId,
  status: 'REFUSED',
  error: caught('ProviderRefused', { class: 'bad_status', statusCode: 404 }),
});

export const aWorkedJob = (change: Partial<WorkedJob> = {}): WorkedJob => ({
  ...aClaim(),
  results: [fetched('gas'), fetched('internet')],
  ...change,
});

/** A circuit breaker that lets everybody through. */
export const closedBreaker: CircuitBreaker = { call: async (_party, run) => run() };

/** Operators who hear nothing. */
export const untold = {
  publish: async (): Promise<void> => {},
  meter: { count: () => {}, milliseconds: () => {}, seconds: () => {} },
};

/** What a call of a task goes through when nothing holds it up. */
export const unguarded = {
  ...untold,
  breaker: closedBreaker,
  limitCalls: async <T>(_: unknown, call: () => Promise<T>) => call(),
  isPaused: false,
};

/** A log that keeps its lines. */
export const aLog = (): Log & { lines: { level: string; message: string; data: unknown }[] } => {
  const lines: { level: string; message: string; data: unknown }[] = [];
  const at = (level: string) => (message: string, data?: unknown) => void lines.push({ level, message, data });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};

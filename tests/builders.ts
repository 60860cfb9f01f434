import type { ClaimedJob } from '@boomerang/core/contracts/claimed-job.ts';
import type { TaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import type { WorkedJob } from '@boomerang/core/contracts/worked-job.ts';
import { type Provider, type ProviderInput, providerSchema } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { type Job, newJob, toClaimedJob } from '@boomerang/core/domain/job.ts';
import type { CallbackOutcome, FetchOutcome } from '@boomerang/core/domain/outcomes.ts';
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

/** A provider of the catalogue, its defaults filled in. */
export const aProvider = (input: Partial<ProviderInput> = {}): Provider =>
  providerSchema.parse({ id: 'gas', url: 'https://example.com', ...input });

/** A catalogue of providers by their ids, or as a file has them. */
export const aCatalogue = (...providers: (string | Partial<ProviderInput>)[]): Map<string, Provider> =>
  new Map(
    providers.map((one) => {
      const provider = aProvider(typeof one === 'string' ? { id: one } : one);
      return [provider.id, provider];
    }),
  );

/** Stores a job, as a request of its own would. */
export const givenJob = async ({ intake }: { intake: JobIntake }, job: Job): Promise<void> => {
  await intake.create(job, { requestId: uuidv7(), requestHash: 'hash' }, job.createdAt);
};

export const aClaim = (change: Partial<ClaimedJob> = {}): ClaimedJob => ({
  ...toClaimedJob(aJob(), 'immediate', NOW),
  ...change,
});

/** A kind of outcome of one provider. */
type Fetch<Kind extends FetchOutcome['kind']> = Extract<FetchOutcome, { kind: Kind }>;

export const fetched = (providerId: string, json = `"${providerId}"`): Fetch<'fetched'> => ({
  kind: 'fetched',
  providerId,
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

const BROKEN: TaskFailure = { class: 'bad_status', statusCode: 500 };

/** A provider that failed. */
export const unavailable = (providerId: string, failure = BROKEN): Fetch<'failed'> => ({
  kind: 'failed',
  providerId,
  failure,
});

export const refused = (providerId: string): Fetch<'refused'> => ({
  kind: 'refused',
  providerId,
  failure: { class: 'bad_status', statusCode: 404 },
});

/** A provider that accepted the request, and is still working on it. */
export const working = (
  providerId: string,
  { retryAfterMs = 60_000, ...ticket }: Partial<Fetch<'working'>['ticket']> & { retryAfterMs?: number } = {},
): Fetch<'working'> => ({
  kind: 'working',
  providerId,
  ticket: { url: `https://example.com/work/${providerId}`, since: NOW, polls: 0, ...ticket },
  retryAfterMs,
});

/** A provider that was not asked, on purpose. */
export const deferred = (providerId: string, retryAfterMs = 60_000): Fetch<'deferred'> => ({
  kind: 'deferred',
  providerId,
  failure: { class: 'circuit_open', retryAfterMs },
});

/** A provider that was not asked, by a fault of ours. */
export const notAttempted = (providerId: string): Fetch<'notAttempted'> => ({
  kind: 'notAttempted',
  providerId,
  failure: { class: 'internal' },
  cause: 'Lambda.TooManyRequestsException',
});

export const DELIVERED: CallbackOutcome = { kind: 'delivered', statusCode: 200, durationMs: 1 };
/** A callback that was not sent, by a fault of ours. */
export const NOT_SENT: CallbackOutcome = { kind: 'notAttempted', failure: { class: 'internal' }, cause: 'LeaseLost' };
/** A callback that the receiver did not take. */
export const failedCallback = (failure = BROKEN): CallbackOutcome => ({ kind: 'failed', failure });
/** A callback that was not sent, on purpose. */
export const deferredCallback = (
  retryAfterMs = 60_000,
  failureClass: TaskFailure['class'] = 'circuit_open',
): CallbackOutcome => ({
  kind: 'deferred',
  failure: { class: failureClass, retryAfterMs },
});

export const aWorkedJob = (change: Partial<WorkedJob> = {}): WorkedJob => ({
  ...aClaim(),
  results: [fetched('gas'), fetched('internet')],
  ...change,
});

/** A circuit breaker that lets everybody through. */
export const closedBreaker: CircuitBreaker = { call: async (_party, run) => run() };

/** Operators who hear nothing. */
export const withoutNotifications = {
  publish: async (): Promise<void> => {},
  metrics: { count: () => {}, milliseconds: () => {}, seconds: () => {} },
};

/** What a call of a task goes through when nothing holds it up. */
export const unguarded = {
  ...withoutNotifications,
  breaker: closedBreaker,
  limitCalls: async <T>(_: unknown, call: () => Promise<T>) => call(),
  isPaused: false,
  minPollMs: 1_000,
};

/** A log that keeps its lines. */
export const aLog = (): Log & { lines: { level: string; message: string; data: unknown }[] } => {
  const lines: { level: string; message: string; data: unknown }[] = [];
  const at = (level: string) => (message: string, data?: unknown) => void lines.push({ level, message, data });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};

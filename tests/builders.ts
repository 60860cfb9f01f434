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

/** A fixed time, epoch milliseconds. */
export const NOW = 1_800_000_000_000;
export const LEASE_MS = 360_000;

export const CLIENT_ID = 'client';
/** From the examples of Standard Webhooks. */
export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** Finds the only client, with its only secret. */
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

/** A provider of the catalogue, with defaults. */
export const aProvider = (input: Partial<ProviderInput> = {}): Provider =>
  providerSchema.parse({ id: 'gas', url: 'https://example.com', ...input });

/** A catalogue of providers, each an id or its entry in a catalogue file. */
export const aCatalogue = (...providers: (string | Partial<ProviderInput>)[]): Map<string, Provider> =>
  new Map(
    providers.map((input) => {
      const provider = aProvider(typeof input === 'string' ? { id: input } : input);
      return [provider.id, provider];
    }),
  );

/** Stores a job under a new request id. */
export const storeJob = async ({ intake }: { intake: JobIntake }, job: Job): Promise<void> => {
  await intake.create(job, { requestId: uuidv7(), requestHash: 'hash' }, job.createdAt);
};

export const aClaim = (change: Partial<ClaimedJob> = {}): ClaimedJob => ({
  ...toClaimedJob(aJob(), 'immediate', NOW),
  ...change,
});

/** One kind of fetch outcome. */
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

/** An error as the Catch of a state adds it to the state's data. */
export const caught = (name: string, failure: TaskFailure = { class: 'bad_status', statusCode: 500 }) => ({
  Error: name,
  Cause: JSON.stringify({ errorType: name, errorMessage: JSON.stringify(failure), trace: [] }),
});

const SERVER_ERROR: TaskFailure = { class: 'bad_status', statusCode: 500 };

/** A provider that failed. */
export const unavailable = (providerId: string, failure = SERVER_ERROR): Fetch<'failed'> => ({
  kind: 'failed',
  providerId,
  failure,
});

/** A provider that refused the request, which is not retried. */
export const refused = (providerId: string): Fetch<'refused'> => ({
  kind: 'refused',
  providerId,
  failure: { class: 'bad_status', statusCode: 404 },
});

/** A provider that accepted the request and is still working. */
export const working = (
  providerId: string,
  { retryAfterMs = 60_000, ...ticket }: Partial<Fetch<'working'>['ticket']> & { retryAfterMs?: number } = {},
): Fetch<'working'> => ({
  kind: 'working',
  providerId,
  ticket: { url: `https://example.com/work/${providerId}`, since: NOW, polls: 0, ...ticket },
  retryAfterMs,
});

/** A provider that was deliberately not called. */
export const deferred = (providerId: string, retryAfterMs = 60_000): Fetch<'deferred'> => ({
  kind: 'deferred',
  providerId,
  failure: { class: 'circuit_open', retryAfterMs },
});

/** A provider that was not called because of an internal fault. */
export const notAttempted = (providerId: string): Fetch<'notAttempted'> => ({
  kind: 'notAttempted',
  providerId,
  failure: { class: 'internal' },
  cause: 'Lambda.TooManyRequestsException',
});

export const DELIVERED: CallbackOutcome = { kind: 'delivered', statusCode: 200, durationMs: 1 };
/** A callback that was not sent because of an internal fault. */
export const NOT_SENT: CallbackOutcome = { kind: 'notAttempted', failure: { class: 'internal' }, cause: 'LeaseLost' };
/** A callback that failed. */
export const failedCallback = (failure = SERVER_ERROR): CallbackOutcome => ({ kind: 'failed', failure });
/** A callback that was deliberately not sent. */
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

/** A circuit breaker that allows every call. */
export const closedBreaker: CircuitBreaker = { call: async (_party, run) => run() };

/** Discards events and metrics. */
export const withoutNotifications = {
  publish: async (): Promise<void> => {},
  metrics: { count: () => {}, milliseconds: () => {}, seconds: () => {} },
};

/** Dependencies of a call without an open circuit, a limit or a pause. */
export const unguarded = {
  ...withoutNotifications,
  breaker: closedBreaker,
  limitCalls: async <T>(_: unknown, call: () => Promise<T>) => call(),
  isPaused: false,
  minPollMs: 1_000,
};

/** A log that records its lines. */
export const aLog = (): Log & { lines: { level: string; message: string; data: unknown }[] } => {
  const lines: { level: string; message: string; data: unknown }[] = [];
  const record = (level: string) => (message: string, data?: unknown) => void lines.push({ level, message, data });
  return { lines, debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') };
};

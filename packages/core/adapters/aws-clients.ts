import { finished, type Readable } from 'node:stream';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { StandardRetryStrategy } from '@smithy/core/retry';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** Time limits of a kind of AWS call. */
export type CallLimits = {
  /** Limit of one attempt, from the request to the last byte of the response, milliseconds. */
  attemptMs: number;
  /** Limit of a call, including all attempts and delays, milliseconds. */
  totalMs: number;
  maxAttempts: number;
};

/**
 * The limits of all SDK calls. A function whose dependency hangs must still end well before Lambda's Timeout:
 * tests/template/call-limits.test.ts adds up the limits of each function.
 */
export const CALL_LIMITS = {
  /** DynamoDB, in API functions, while a caller waits. */
  api: { attemptMs: 1_000, totalMs: 3_000, maxAttempts: 4 },
  /** DynamoDB, in sweeps, which claim jobs and run redrives. */
  sweep: { attemptMs: 1_000, totalMs: 2_500, maxAttempts: 4 },
  /**
   * DynamoDB, around a provider call of up to 15 s. There is time for one attempt, long enough for the first connection of a
   * cold start. Two short ones could both fail, and an instance that can't read the circuits calls providers whose circuits
   * are open.
   */
  fetch: { attemptMs: 1_000, totalMs: 1_250, maxAttempts: 4 },
  /** DynamoDB, around a callback of up to 15 s. */
  deliver: { attemptMs: 1_000, totalMs: 2_400, maxAttempts: 5 },
  /** DynamoDB, in the task that settles a job. */
  settle: { attemptMs: 800, totalMs: 1_900, maxAttempts: 4 },
  /** DynamoDB, in health checks: a false alarm is better than a late one. */
  health: { attemptMs: 1_000, totalMs: 1_000, maxAttempts: 1 },
  /**
   * Step Functions. Short, because the job is already stored and the next sweep starts it if this fails. An attempt that timed
   * out is not retried, since it may have started an execution.
   */
  start: { attemptMs: 1_500, totalMs: 2_000, maxAttempts: 3 },
  /** DynamoDB, to release a claim after a failed start. */
  release: { attemptMs: 700, totalMs: 1_500, maxAttempts: 3 },
  /** SSM. */
  secrets: { attemptMs: 1_000, totalMs: 2_500, maxAttempts: 3 },
  /** EventBridge. Events are best effort. */
  events: { attemptMs: 1_000, totalMs: 1_000, maxAttempts: 1 },
} as const satisfies Record<string, CallLimits>;

/** Initial retry delays; they double with each retry. */
const BASE_DELAY_MS = 50;
const BASE_THROTTLING_DELAY_MS = 500;

export type RetryDeps = {
  now: () => number;
  random: () => number;
  sleep: (ms: number) => Promise<unknown>;
};

const SYSTEM: RetryDeps = { now: () => performance.now(), random: Math.random, sleep: (ms) => sleepFor(ms) };

type StandardToken = Awaited<ReturnType<StandardRetryStrategy['acquireInitialRetryToken']>>;
/** `endsAt` is when the call's time limit ends, on the clock `now`. */
type Token = StandardToken & { endsAt: number };
type ErrorInfo = Parameters<StandardRetryStrategy['refreshRetryTokenForRetry']>[1];

/**
 * The SDK's standard retry strategy with a time limit: an attempt starts only if it can end in time. Delays have full jitter.
 * A `Retry-After` is ignored, since it would exceed the limit.
 */
export const createRetryStrategy = (
  { attemptMs, totalMs, maxAttempts }: CallLimits,
  { now, random, sleep }: RetryDeps = SYSTEM,
) => {
  // No delays by the strategy itself: it does not know the limit.
  const backoff = { computeNextBackoffDelay: () => 0, setDelayBase: () => {} };
  const standard = new StandardRetryStrategy({ maxAttempts, baseDelay: BASE_DELAY_MS, backoff });
  return {
    mode: 'standard',
    acquireInitialRetryToken: async (scope: string): Promise<Token> => {
      const token = await standard.acquireInitialRetryToken(scope);
      return Object.assign(token, { endsAt: now() + totalMs });
    },
    refreshRetryTokenForRetry: async (token: Token, { errorType }: ErrorInfo): Promise<Token> => {
      const { endsAt } = token;
      const leftMs = endsAt - now() - attemptMs;
      if (leftMs < 0) throw new Error('no time left for another attempt');
      const next = Object.assign(await standard.refreshRetryTokenForRetry(token, { errorType }), { endsAt });
      const base = errorType === 'THROTTLING' ? BASE_THROTTLING_DELAY_MS : BASE_DELAY_MS;
      await sleep(random() * Math.min(leftMs, base * 2 ** token.getRetryCount()));
      return next;
    },
    recordSuccess: (token: Token): void => standard.recordSuccess(token),
  };
};

/**
 * An HTTP handler with one deadline over DNS, connect, headers and body. The SDK's `requestTimeout` only warns by default, and
 * it ends with the headers, so a stalled body would never time out.
 */
const createHttpHandler = ({ attemptMs }: CallLimits): NodeHttpHandler => {
  const handler = new NodeHttpHandler({ requestTimeout: attemptMs, throwOnRequestTimeout: true });
  const handle = handler.handle.bind(handler);
  return Object.assign(handler, {
    handle: async (...request: Parameters<typeof handle>): ReturnType<typeof handle> => {
      const startedAt = performance.now();
      const output = await handle(...request);
      const body = output.response.body as Readable;
      const error = Object.assign(new Error(`The body took longer than ${attemptMs} ms.`), { name: 'TimeoutError' });
      const leftMs = attemptMs - (performance.now() - startedAt);
      const timer = setTimeout(() => body.destroy(error), leftMs);
      finished(body, () => clearTimeout(timer));
      return output;
    },
  });
};

/** `CALL_TIME_FACTOR` multiplies the limits for emulators, where calls of all functions queue in one process. On AWS it is 1. */
const stretch = (limits: CallLimits, environment: NodeJS.ProcessEnv): CallLimits => {
  const factor = Number(environment.CALL_TIME_FACTOR ?? 1);
  return { ...limits, attemptMs: limits.attemptMs * factor, totalMs: limits.totalMs * factor };
};

/** Configuration of an SDK client that enforces the limits, multiplied by `CALL_TIME_FACTOR`. */
export const timeLimited = (limits: CallLimits, environment: NodeJS.ProcessEnv = process.env) => {
  const stretched = stretch(limits, environment);
  return {
    maxAttempts: limits.maxAttempts,
    requestHandler: createHttpHandler(stretched),
    retryStrategy: createRetryStrategy(stretched),
  };
};

/** Returns a client to use in place of `client`, which enforces `limits`. */
export type DecorateClient = <Client extends object>(client: Client, limits: CallLimits) => Client;

let decorate: DecorateClient = (client) => client;

/**
 * Applies `next` to every client that `createAwsClient` creates from now on. For the embedded cloud, which has the services in
 * its own process: see docs/decisions/0023-calls-in-process.md.
 */
export const decorateClients = (next: DecorateClient): void => {
  decorate = next;
};

/** Creates an SDK client that enforces the limits. */
export const createAwsClient = <Client extends object>(
  SdkClient: new (config: ReturnType<typeof timeLimited>) => Client,
  limits: CallLimits,
): Client => decorate(new SdkClient(timeLimited(limits)), stretch(limits, process.env));

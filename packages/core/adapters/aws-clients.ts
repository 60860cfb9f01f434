import { finished, type Readable } from 'node:stream';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { StandardRetryStrategy } from '@smithy/core/retry';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** Time limits of one kind of call to an AWS service. */
export type CallLimits = {
  /** The longest one attempt may take, from the request to the last byte of the answer, milliseconds. */
  attemptMs: number;
  /** The longest a call may take, all attempts and the waits between them included, milliseconds. */
  totalMs: number;
  maxAttempts: number;
};

/**
 * The limits of every call that a function makes through the SDK. They are chosen so that a function whose dependency hangs
 * still ends by itself, well before Lambda's Timeout: tests/template/call-limits.test.ts adds them up for each function.
 */
export const CALL_LIMITS = {
  /** DynamoDB, while a caller waits. */
  api: { attemptMs: 1_000, totalMs: 3_000, maxAttempts: 4 },
  /** DynamoDB, of a sweep: it claims jobs and runs redrives. */
  sweep: { attemptMs: 1_000, totalMs: 2_500, maxAttempts: 4 },
  /**
   * DynamoDB, around a call to a provider that takes up to 15 s of the function's time. One attempt long enough for the first
   * connection of a cold instance, rather than two short ones: an instance that can't read the open circuits does not know them.
   */
  fetch: { attemptMs: 1_000, totalMs: 1_250, maxAttempts: 4 },
  /** DynamoDB, around a callback that takes up to 15 s of the function's time. */
  deliver: { attemptMs: 1_000, totalMs: 2_400, maxAttempts: 5 },
  /** DynamoDB, in the task that decides what becomes of a job. */
  settle: { attemptMs: 800, totalMs: 1_900, maxAttempts: 4 },
  /** DynamoDB, of a health check: it had better say too early that something is wrong. */
  health: { attemptMs: 1_000, totalMs: 1_000, maxAttempts: 1 },
  /**
   * Step Functions. The job is stored and the schedule starts it otherwise: nobody waits long. An attempt that timed out is not
   * repeated, since it may have started an execution.
   */
  start: { attemptMs: 1_500, totalMs: 2_000, maxAttempts: 3 },
  /** DynamoDB, to give a claim back after a start that failed. */
  release: { attemptMs: 700, totalMs: 1_500, maxAttempts: 3 },
  /** SSM. */
  secrets: { attemptMs: 1_000, totalMs: 2_500, maxAttempts: 3 },
  /** EventBridge: an event may be lost. */
  events: { attemptMs: 1_000, totalMs: 1_000, maxAttempts: 1 },
} as const satisfies Record<string, CallLimits>;

/** Waits before another attempt begin at these, and double. */
const BASE_DELAY_MS = 50;
const BASE_THROTTLING_DELAY_MS = 500;

export type RetryDeps = {
  now: () => number;
  random: () => number;
  sleep: (ms: number) => Promise<unknown>;
};

type Token = Awaited<ReturnType<StandardRetryStrategy['acquireInitialRetryToken']>>;
type ErrorInfo = Parameters<StandardRetryStrategy['refreshRetryTokenForRetry']>[1];

/**
 * The SDK's standard rules of what is tried again and how often, within a time limit: another attempt only begins when it can
 * end in time. Waits have full jitter; a `Retry-After` is not honoured, since it would outlast the limit.
 */
export const createRetryStrategy = ({ attemptMs, totalMs, maxAttempts }: CallLimits, deps: RetryDeps) => {
  const { now, random, sleep } = deps;
  const backoff = { computeNextBackoffDelay: () => 0, setDelayBase: () => {} };
  const standard = new StandardRetryStrategy({ maxAttempts, baseDelay: BASE_DELAY_MS, backoff });
  const endsAt = new WeakMap<Token, number>();
  return {
    mode: 'standard',
    acquireInitialRetryToken: async (scope: string): Promise<Token> => {
      const token = await standard.acquireInitialRetryToken(scope);
      endsAt.set(token, now() + totalMs);
      return token;
    },
    refreshRetryTokenForRetry: async (token: Token, { errorType }: ErrorInfo): Promise<Token> => {
      const end = endsAt.get(token) ?? now();
      const leftMs = end - now() - attemptMs;
      if (leftMs < 0) throw new Error('no time is left for another attempt');
      const next = await standard.refreshRetryTokenForRetry(token, { errorType });
      endsAt.set(next, end);
      const base = errorType === 'THROTTLING' ? BASE_THROTTLING_DELAY_MS : BASE_DELAY_MS;
      await sleep(random() * Math.min(leftMs, base * 2 ** token.getRetryCount()));
      return next;
    },
    recordSuccess: (token: Token): void => standard.recordSuccess(token),
  };
};

/**
 * An HTTP handler whose requests end in time: DNS, connect, headers and body. The SDK's own `requestTimeout` only warns unless
 * told to throw, and ends with the headers: a body that stalls would be waited for.
 */
const createHttpHandler = ({ attemptMs }: CallLimits): NodeHttpHandler => {
  const handler = new NodeHttpHandler({ requestTimeout: attemptMs, throwOnRequestTimeout: true });
  const handle = handler.handle.bind(handler);
  return Object.assign(handler, {
    handle: async (...request: Parameters<typeof handle>): ReturnType<typeof handle> => {
      const startedAt = performance.now();
      const answer = await handle(...request);
      const body = answer.response.body as Readable;
      const error = Object.assign(new Error(`The body took longer than ${attemptMs} ms.`), { name: 'TimeoutError' });
      const leftMs = attemptMs - (performance.now() - startedAt);
      const timer = setTimeout(() => body.destroy(error), leftMs);
      finished(body, () => clearTimeout(timer));
      return answer;
    },
  });
};

/**
 * What to construct an SDK client with, so that each of its calls ends in time.
 *
 * `CALL_TIME_FACTOR` stretches the limits: an emulator serves all functions at once from one process of its own, where calls
 * queue. On AWS it is 1.
 */
export const timeLimited = (limits: CallLimits, environment: NodeJS.ProcessEnv = process.env) => {
  const factor = Number(environment.CALL_TIME_FACTOR ?? 1);
  const stretched = { ...limits, attemptMs: limits.attemptMs * factor, totalMs: limits.totalMs * factor };
  const deps = { now: () => performance.now(), random: Math.random, sleep: (ms: number) => sleepFor(ms) };
  return {
    maxAttempts: limits.maxAttempts,
    requestHandler: createHttpHandler(stretched),
    retryStrategy: createRetryStrategy(stretched, deps),
  };
};

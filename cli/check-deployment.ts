/** The deployment failed the check. The message says how. */
export class CheckFailed extends Error {
  override name = 'CheckFailed';
}

export type CheckDeps = {
  fetch: typeof fetch;
  now: () => number;
  sleep: (ms: number) => Promise<unknown>;
  print: (line: string) => void;
};

export type Check = {
  serviceUrl: string;
  apiKey: string;
  provider: string;
  callbackUrl: string;
  /** For the whole check. */
  timeoutMs: number;
};

const REQUEST_TIMEOUT_MS = 15_000;
const POLL_INTERVAL_MS = 2_000;
/** Attempts per request. Network errors and 5xx are retried: functions may be starting cold. */
const MAX_ATTEMPTS = 5;

type Answer = { status: number; body: Record<string, unknown> };

/**
 * Waits until the API is healthy, posts a job, and waits until its callback is delivered. Cancels a job that is not delivered
 * in time, so that it raises no alarm later.
 *
 * @throws CheckFailed
 */
export const checkDeployment = async (deps: CheckDeps, check: Check): Promise<void> => {
  const { now, sleep, print } = deps;
  const { serviceUrl, apiKey, provider, callbackUrl, timeoutMs } = check;
  const startedAt = now();
  const endsAt = startedAt + timeoutMs;
  const log = (line: string): void => print(`${((now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}`);

  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await deps.fetch(`${serviceUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body !== undefined && { 'content-type': 'application/json', 'idempotency-key': `check-${startedAt}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const text = await response.text();
    try {
      return { status: response.status, body: JSON.parse(text) };
    } catch {
      return { status: response.status, body: { detail: text.slice(0, 200) } };
    }
  };

  /** Retries network errors and 5xx. POST is safe to retry, because it carries an idempotency key. */
  const callWithRetries = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    for (let attempt = 1; ; attempt += 1) {
      let problem: string;
      try {
        const answer = await call(method, path, body);
        if (answer.status < 500) return answer;
        problem = describe(answer);
      } catch (error) {
        const { message, cause } = error as Error;
        problem = cause instanceof Error ? `${message}: ${cause.message}` : message;
      }
      log(`${method} ${path}: ${problem}`);
      if (attempt === MAX_ATTEMPTS || now() >= endsAt) throw new CheckFailed(`${method} ${path} failed: ${problem}`);
      await sleep(POLL_INTERVAL_MS);
    }
  };

  /** Polls, because on a new stack functions start cold, and the first sweep comes only after up to a minute. */
  const waitUntilHealthy = async (): Promise<void> => {
    for (let last = ''; ; ) {
      const answer = await call('GET', '/health?deep=1').catch((error: Error) => ({
        status: 0,
        body: { detail: error.message },
      }));
      if (answer.status === 200) return log('the API is healthy');
      const problem = describe(answer);
      if (problem !== last) log(`not healthy yet: ${problem}`);
      last = problem;
      if (now() >= endsAt) throw new CheckFailed(`The API is not healthy: ${problem}`);
      await sleep(POLL_INTERVAL_MS);
    }
  };

  const waitUntilDelivered = async (jobId: string): Promise<void> => {
    for (let last = ''; ; ) {
      const { status, body } = await callWithRetries('GET', `/jobs/${jobId}`);
      if (status !== 200) throw new CheckFailed(`The job cannot be read: ${describe({ status, body })}`);
      const summary = summarise(body);
      if (summary !== last) log(summary);
      last = summary;
      if (body.status === 'COMPLETE') return;
      if (body.status !== 'PENDING') throw new CheckFailed(`The job ended without delivery: ${summary}`);
      if (now() >= endsAt) {
        await call('POST', `/jobs/${jobId}/cancel`).catch(() => {});
        throw new CheckFailed(`The job was not delivered within ${timeoutMs / 1000} s: ${summary}`);
      }
      await sleep(POLL_INTERVAL_MS);
    }
  };

  await waitUntilHealthy();
  const accepted = await callWithRetries('POST', '/webhook', { providers: [provider], callbackUrl });
  const { jobId } = accepted.body;
  if (accepted.status !== 202 || typeof jobId !== 'string') {
    throw new CheckFailed(`The job was not accepted: ${describe(accepted)}`);
  }
  log(`accepted job ${jobId}`);
  await waitUntilDelivered(jobId);
  const { status, body } = await callWithRetries('GET', `/jobs/${jobId}/data`);
  const [entry] = (body.data ?? []) as { providerId?: string; data?: unknown }[];
  if (status !== 200 || entry?.providerId !== provider || entry.data === undefined) {
    throw new CheckFailed(`The job has no data: ${describe({ status, body })}`);
  }
  log('its data can be read: check passed');
};

const describe = ({ status, body }: Answer): string => {
  const { detail, message, errors } = body;
  return [status, detail ?? message, errors && JSON.stringify(errors)].filter(Boolean).join(' ');
};

/** The state of a job in one line. */
const summarise = ({ status, phase, attempts, failure, nextAttemptAt }: Record<string, unknown>): string => {
  const attemptCount = Array.isArray(attempts) ? attempts.length : 0;
  const code = (failure as { code?: string } | undefined)?.code;
  return [
    `the job is ${status}${phase ? `, ${phase}` : ''}`,
    attemptCount > 0 && `attempts: ${attemptCount}, the last: ${JSON.stringify((attempts as unknown[]).at(-1))}`,
    code,
    nextAttemptAt && `next attempt at ${nextAttemptAt}`,
  ]
    .filter(Boolean)
    .join('; ');
};

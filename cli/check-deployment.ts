/** The deployment does not do its job; the message says what happened instead. */
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
  /** For all of it. */
  timeoutMs: number;
};

/** One request may take so long; the API answers within seconds, or is not well. */
const REQUEST_TIMEOUT_MS = 15_000;
const ASK_EVERY_MS = 2_000;
/** How often a request is repeated that did not get through, or got a 5xx: a function may just be starting. */
const MAX_FAILURES = 5;

type Answer = { status: number; body: Record<string, unknown> };

/**
 * Sees one job through: waits until the API says that it can do its job, posts a job, and waits until its callback is
 * delivered. A job that is not delivered in time is cancelled, so that it rings no alarm later.
 *
 * @throws CheckFailed
 */
export const checkDeployment = async (deps: CheckDeps, check: Check): Promise<void> => {
  const { now, sleep, print } = deps;
  const { serviceUrl, apiKey, provider, callbackUrl, timeoutMs } = check;
  const startedAt = now();
  const endsAt = startedAt + timeoutMs;
  const tell = (line: string): void => print(`${((now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}`);

  const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => {
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

  /** Repeats what fails on the way or with 5xx; posting is safe to repeat, for it has an idempotency key. */
  const askPatiently = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    for (let failures = 1; ; failures += 1) {
      let problem: string;
      try {
        const answer = await ask(method, path, body);
        if (answer.status < 500) return answer;
        problem = describe(answer);
      } catch (error) {
        const { message, cause } = error as Error;
        problem = cause instanceof Error ? `${message}: ${cause.message}` : message;
      }
      tell(`${method} ${path}: ${problem}`);
      if (failures === MAX_FAILURES || now() >= endsAt) throw new CheckFailed(`${method} ${path} failed: ${problem}`);
      await sleep(ASK_EVERY_MS);
    }
  };

  /** A new stack has its first sweep within a minute, and its functions start cold. */
  const waitUntilHealthy = async (): Promise<void> => {
    for (let last = ''; ; ) {
      const answer = await ask('GET', '/health?deep=1').catch((error: Error) => ({
        status: 0,
        body: { detail: error.message },
      }));
      if (answer.status === 200) return tell('the API says that it can do its job');
      const problem = describe(answer);
      if (problem !== last) tell(`not healthy yet: ${problem}`);
      last = problem;
      if (now() >= endsAt) throw new CheckFailed(`The API is not healthy: ${problem}`);
      await sleep(ASK_EVERY_MS);
    }
  };

  const waitUntilDelivered = async (jobId: string): Promise<void> => {
    for (let last = ''; ; ) {
      const { status, body } = await askPatiently('GET', `/jobs/${jobId}`);
      if (status !== 200) throw new CheckFailed(`The job cannot be read: ${describe({ status, body })}`);
      const seen = summarise(body);
      if (seen !== last) tell(seen);
      last = seen;
      if (body.status === 'COMPLETE') return;
      if (body.status !== 'PENDING') throw new CheckFailed(`The job ended otherwise: ${seen}`);
      if (now() >= endsAt) {
        await ask('POST', `/jobs/${jobId}/cancel`).catch(() => {});
        throw new CheckFailed(`The job was not delivered within ${timeoutMs / 1000} s: ${seen}`);
      }
      await sleep(ASK_EVERY_MS);
    }
  };

  await waitUntilHealthy();
  const accepted = await askPatiently('POST', '/webhook', { providers: [provider], callbackUrl });
  const { jobId } = accepted.body;
  if (accepted.status !== 202 || typeof jobId !== 'string') {
    throw new CheckFailed(`The job was not accepted: ${describe(accepted)}`);
  }
  tell(`accepted job ${jobId}`);
  await waitUntilDelivered(jobId);
  const { status, body } = await askPatiently('GET', `/jobs/${jobId}/data`);
  const [entry] = (body.data ?? []) as { providerId?: string; data?: unknown }[];
  if (status !== 200 || entry?.providerId !== provider || entry.data === undefined) {
    throw new CheckFailed(`The job has no data: ${describe({ status, body })}`);
  }
  tell('its data can be read: all is well');
};

const describe = ({ status, body }: Answer): string => {
  const { detail, message, errors } = body;
  return [status, detail ?? message, errors && JSON.stringify(errors)].filter(Boolean).join(' ');
};

/** Where a job stands, in a line. */
const summarise = ({ status, phase, attempts, failure, nextAttemptAt }: Record<string, unknown>): string => {
  const tried = Array.isArray(attempts) ? attempts.length : 0;
  const code = (failure as { code?: string } | undefined)?.code;
  return [
    `the job is ${status}${phase ? `, ${phase}` : ''}`,
    tried > 0 && `attempts: ${tried}, the last: ${JSON.stringify((attempts as unknown[]).at(-1))}`,
    code,
    nextAttemptAt && `next attempt at ${nextAttemptAt}`,
  ]
    .filter(Boolean)
    .join('; ');
};

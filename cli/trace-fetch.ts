import { maskWriteOnly, withDefaults, writeOnlyValues } from '@boomerang/core/domain/catalogue/parameters.ts';
import type { Parameters, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { TaskError } from '@boomerang/core/domain/failures.ts';
import { type Job, newJob } from '@boomerang/core/domain/job.ts';
import { isMaskable, MASK, maskSecrets } from '@boomerang/core/domain/mask.ts';
import type { Ticket } from '@boomerang/core/domain/outcomes.ts';
import { HttpFailure, type HttpRequest, type SendHttp } from '@boomerang/core/ports/http.ts';
import { type FindSecret, SecretMissing } from '@boomerang/core/ports/secrets.ts';
import { type FetchProviderDeps, fetchProvider } from '../functions/provider-fetch/fetch-provider.ts';

/** Makes the calls of one fetch as the function `provider-fetch` does, without tables, and keeps what they were. */

/** One HTTP call, as it may be shown: secrets and the values of `writeOnly` parameters are masked. */
export type TracedCall = {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
  /** Absent when no answer came. */
  statusCode?: number;
  /** Of the answer's body, after decompression. */
  bytes?: number;
  durationMs: number;
  /** Why no answer came. */
  failure?: string;
};

export type Trial = {
  parameters: Parameters;
  calls: TracedCall[];
  verdict: Verdict;
  /** What would be delivered, as JSON text; absent where nothing would. */
  json?: string;
};

/** What a fetch came to. `WORKING`: the provider was still working when the time was over. */
export type Verdict =
  | { status: 'FETCHED'; statusCode: number; durationMs: number; bytes: number }
  | {
      status: 'REFUSED' | 'UNAVAILABLE';
      error: string;
      class: string;
      statusCode?: number;
      retryAfterMs?: number;
      excerpt?: string;
    }
  | { status: 'WORKING'; polls: number; retryAfterMs: number };

export type TraceDeps = {
  send: SendHttp;
  findSecret: FindSecret;
  now: () => number;
  newId: () => string;
  sleep: (ms: number) => Promise<unknown>;
  /** Each call when it has ended, and each wait for a provider that is still working. */
  onCall: (call: TracedCall) => void;
  onWait: (waitMs: number) => void;
  /** How long a provider that works on a request is waited for, milliseconds. */
  timeoutMs: number;
};

/** The claim that the fetch believes to run under. */
const CLAIM = { claims: 1, leaseMs: 3_600_000 };
const MIN_POLL_MS = 1_000;

/**
 * @param parameters valid ones
 * @throws SecretMissing, and whatever else is no answer of the provider and no failure of the call
 */
export const traceFetch = async (deps: TraceDeps, provider: Provider, parameters: Parameters): Promise<Trial> => {
  const { now, sleep } = deps;
  const calls: TracedCall[] = [];
  const secrets = new Set(writeOnlyValues(provider, parameters));
  const onCall = (call: TracedCall): void => {
    calls.push(call);
    deps.onCall(call);
  };
  let stored: string | undefined;
  let ticket: Ticket | undefined;
  let missing: SecretMissing | undefined;
  const jobId = deps.newId();
  const job = (): Job => ({
    ...newJob({
      ...{ jobId, clientId: 'try', providers: [provider.id], callbackUrl: 'https://example.com' },
      ...{
        parameters: { [provider.id]: parameters },
        now: now(),
        leaseMs: CLAIM.leaseMs,
        fetchDeadlineMs: CLAIM.leaseMs,
      },
    }),
    results: ticket ? [{ providerId: provider.id, status: 'UNAVAILABLE', error: { class: 'not_ready' }, ticket }] : [],
  });
  const fetchDeps: FetchProviderDeps = {
    catalogue: new Map([[provider.id, provider]]),
    send: tracing(deps, provider, secrets, onCall),
    findSecret: async (name, options) => {
      try {
        const secret = await deps.findSecret(name, options);
        secrets.add(secret);
        return secret;
      } catch (error) {
        if (error instanceof SecretMissing) missing = error;
        throw error;
      }
    },
    results: {
      save: async (_jobId, _claims, { json }) => {
        stored = json;
        return {};
      },
      remove: async () => {},
    },
    jobs: { getWithData: async () => ({ job: job(), inline: [] }) },
    now,
    log: SILENT,
    metrics: { count: () => {}, milliseconds: () => {}, seconds: () => {} },
    breaker: { call: async (_party, run) => run() },
    limitCalls: async (_provider, call) => call(),
    isPaused: false,
    minPollMs: MIN_POLL_MS,
    fetchDeadlineMs: CLAIM.leaseMs,
    policy: { schedule: { stepsMs: [1_000] }, patienceMs: 0, retentionMs: 0 },
  };
  const end = (verdict: Verdict, json?: string): Trial => ({
    parameters: maskWriteOnly(provider, withDefaults(provider, parameters)),
    calls,
    verdict,
    ...(json !== undefined && { json }),
  });
  const endsAt = now() + deps.timeoutMs;
  try {
    for (;;) {
      const request = { jobId, claims: CLAIM.claims, leasedUntil: now() + CLAIM.leaseMs, providerId: provider.id };
      const outcome = await fetchProvider(fetchDeps, {
        ...request,
        job: { parameters: { [provider.id]: parameters } },
      });
      if (outcome.status === 'FETCHED') {
        const { statusCode, durationMs, bytes, json } = outcome;
        return end({ status: 'FETCHED', statusCode, durationMs, bytes }, json ?? stored);
      }
      const { retryAfterMs } = outcome;
      ticket = outcome.ticket;
      if (now() + retryAfterMs > endsAt) return end({ status: 'WORKING', polls: ticket.polls, retryAfterMs });
      deps.onWait(retryAfterMs);
      await sleep(retryAfterMs);
    }
  } catch (error) {
    if (missing) throw missing;
    if (!(error instanceof TaskError)) throw error;
    const { class: failureClass, statusCode, retryAfterMs, excerpt } = error.failure;
    return end({
      status: error.name === 'ProviderRefused' ? 'REFUSED' : 'UNAVAILABLE',
      error: error.name,
      class: failureClass,
      ...(statusCode !== undefined && { statusCode }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(excerpt !== undefined && { excerpt }),
    });
  }
};

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A client that tells of each call. */
const tracing =
  ({ send }: TraceDeps, provider: Provider, secrets: Set<string>, onCall: (call: TracedCall) => void): SendHttp =>
  async (request) => {
    const shown = showRequest(request, provider, [...secrets]);
    try {
      const answer = await send(request);
      if (isTokenRequest(request, provider)) for (const token of tokensIn(answer.body)) secrets.add(token);
      const { statusCode, body, durationMs } = answer;
      onCall({ ...shown, statusCode, bytes: body.length, durationMs });
      return answer;
    } catch (error) {
      if (error instanceof HttpFailure) {
        onCall({ ...shown, durationMs: error.durationMs, failure: `${error.class}: ${error.message}` });
      }
      throw error;
    }
  };

const isTokenRequest = ({ url }: HttpRequest, { auth }: Provider): boolean =>
  auth?.kind === 'oauth2' && url === auth.tokenUrl;

const tokensIn = (body: Buffer): string[] => {
  try {
    const { access_token: token } = JSON.parse(body.toString()) as { access_token?: unknown };
    return typeof token === 'string' ? [token] : [];
  } catch {
    return [];
  }
};

/** Headers whose values are credentials, whatever they hold. */
const CREDENTIAL_HEADER = /^(?:proxy-)?authorization$|cookie|key$|secret|token/i;

const showRequest = (
  { method, url, headers = {}, body }: HttpRequest,
  { auth, idempotencyHeader }: Provider,
  secrets: string[],
): Pick<TracedCall, 'method' | 'url' | 'headers' | 'body'> => {
  const isShort = secrets.some((secret) => secret !== '' && !isMaskable(secret));
  const mask = (text: string): string => (isShort ? MASK : maskSecrets(text, secrets));
  const { origin, pathname, search } = new URL(url);
  const credential = auth?.kind === 'header' ? auth.header.toLowerCase() : 'authorization';
  const isCredential = (name: string): boolean =>
    name.toLowerCase() === credential ||
    (CREDENTIAL_HEADER.test(name) && name.toLowerCase() !== idempotencyHeader?.toLowerCase());
  const shown = Object.entries(headers).map(([name, value]) => {
    const [scheme = ''] = /^[A-Za-z]+ (?=\S)/.exec(value) ?? [];
    return [name, isCredential(name) ? `${scheme}${MASK}` : maskSecrets(value, secrets)] as const;
  });
  return {
    method,
    url: `${origin}${mask(`${pathname}${search}`)}`,
    headers: Object.fromEntries(shown),
    ...(body !== undefined && { body: mask(body) }),
  };
};

import { maskWriteOnly, withDefaults, writeOnlyValues } from '@boomerang/core/domain/catalogue/parameters.ts';
import type { Parameters, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { TaskError } from '@boomerang/core/domain/failures.ts';
import { type Job, newJob } from '@boomerang/core/domain/job.ts';
import { isMaskable, MASK, maskSecrets } from '@boomerang/core/domain/mask.ts';
import type { Ticket } from '@boomerang/core/domain/outcomes.ts';
import { HttpFailure, type HttpRequest, type SendHttp } from '@boomerang/core/ports/http.ts';
import { type FindSecret, SecretMissing } from '@boomerang/core/ports/secrets.ts';
import { type FetchProviderDeps, fetchProvider } from '../functions/provider-fetch/fetch-provider.ts';

/** Runs one fetch like the function `provider-fetch`, but without tables, and records its calls. */

/** One HTTP call. Secrets and the values of `writeOnly` parameters are masked. */
export type TracedCall = {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
  /** Absent without a response. */
  statusCode?: number;
  /** Size of the response body after decompression. */
  bytes?: number;
  durationMs: number;
  /** Why there was no response. */
  failure?: string;
};

export type Trace = {
  parameters: Parameters;
  calls: TracedCall[];
  verdict: Verdict;
  /** The data that would be delivered, as JSON text. Absent unless FETCHED. */
  json?: string;
};

/** Outcome of a fetch. `WORKING`: the provider was still working at the timeout. */
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
  /** Called after each call, and before each wait for a provider that is still working. */
  onCall: (call: TracedCall) => void;
  onWait: (waitMs: number) => void;
  /** How long to poll a provider that is still working. */
  timeoutMs: number;
};

/** A fetch needs a claimed job, so it gets one that is not stored. */
const CLAIM = { claims: 1, leaseMs: 3_600_000 };
const MIN_POLL_MS = 1_000;

/**
 * @param parameters the validated parameters
 * @throws SecretMissing, and any error other than a failed call
 */
export const traceFetch = async (deps: TraceDeps, provider: Provider, parameters: Parameters): Promise<Trace> => {
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
      jobId,
      clientId: 'try',
      providers: [provider.id],
      callbackUrl: 'https://example.com',
      parameters: { [provider.id]: parameters },
      now: now(),
      leaseMs: CLAIM.leaseMs,
      fetchDeadlineMs: CLAIM.leaseMs,
    }),
    results: ticket ? [{ providerId: provider.id, status: 'UNAVAILABLE', error: { class: 'not_ready' }, ticket }] : [],
  });
  const fetchDeps: FetchProviderDeps = {
    catalogue: new Map([[provider.id, provider]]),
    send: traceCalls(deps, provider, secrets, onCall),
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
    log: SILENT_LOG,
    metrics: { count: () => {}, milliseconds: () => {}, seconds: () => {} },
    breaker: { call: async (_party, run) => run() },
    limitCalls: async (_provider, call) => call(),
    isPaused: false,
    minPollMs: MIN_POLL_MS,
    fetchDeadlineMs: CLAIM.leaseMs,
    policy: { schedule: { stepsMs: [1_000] }, patienceMs: 0, retentionMs: 0 },
  };
  const traceOf = (verdict: Verdict, json?: string): Trace => ({
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
        return traceOf({ status: 'FETCHED', statusCode, durationMs, bytes }, json ?? stored);
      }
      const { retryAfterMs } = outcome;
      ticket = outcome.ticket;
      if (now() + retryAfterMs > endsAt) return traceOf({ status: 'WORKING', polls: ticket.polls, retryAfterMs });
      deps.onWait(retryAfterMs);
      await sleep(retryAfterMs);
    }
  } catch (error) {
    if (missing) throw missing;
    if (!(error instanceof TaskError)) throw error;
    const { class: failureClass, statusCode, retryAfterMs, excerpt } = error.failure;
    return traceOf({
      status: error.name === 'ProviderRefused' ? 'REFUSED' : 'UNAVAILABLE',
      error: error.name,
      class: failureClass,
      ...(statusCode !== undefined && { statusCode }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(excerpt !== undefined && { excerpt }),
    });
  }
};

const SILENT_LOG = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Wraps `send` to report each call. */
const traceCalls =
  ({ send }: TraceDeps, provider: Provider, secrets: Set<string>, onCall: (call: TracedCall) => void): SendHttp =>
  async (request) => {
    const masked = maskRequest(request, provider, [...secrets]);
    try {
      const response = await send(request);
      if (isTokenRequest(request, provider)) for (const token of tokensIn(response.body)) secrets.add(token);
      const { statusCode, body, durationMs } = response;
      onCall({ ...masked, statusCode, bytes: body.length, durationMs });
      return response;
    } catch (error) {
      if (error instanceof HttpFailure) {
        onCall({ ...masked, durationMs: error.durationMs, failure: `${error.class}: ${error.message}` });
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

/** Headers that are always masked. */
const CREDENTIAL_HEADER = /^(?:proxy-)?authorization$|cookie|key$|secret|token/i;

const maskRequest = (
  { method, url, headers = {}, body }: HttpRequest,
  { auth, idempotencyHeader }: Provider,
  secrets: string[],
): Pick<TracedCall, 'method' | 'url' | 'headers' | 'body'> => {
  // If a secret is too short to be found reliably, the whole text is masked.
  const hasShortSecret = secrets.some((secret) => secret !== '' && !isMaskable(secret));
  const mask = (text: string): string => (hasShortSecret ? MASK : maskSecrets(text, secrets));
  const { origin, pathname, search } = new URL(url);
  const credential = auth?.kind === 'header' ? auth.header.toLowerCase() : 'authorization';
  const isCredential = (name: string): boolean =>
    name.toLowerCase() === credential ||
    (CREDENTIAL_HEADER.test(name) && name.toLowerCase() !== idempotencyHeader?.toLowerCase());
  const masked = Object.entries(headers).map(([name, value]) => {
    const [scheme = ''] = /^[A-Za-z]+ (?=\S)/.exec(value) ?? [];
    return [name, isCredential(name) ? `${scheme}${MASK}` : maskSecrets(value, secrets)] as const;
  });
  return {
    method,
    url: `${origin}${mask(`${pathname}${search}`)}`,
    headers: Object.fromEntries(masked),
    ...(body !== undefined && { body: mask(body) }),
  };
};

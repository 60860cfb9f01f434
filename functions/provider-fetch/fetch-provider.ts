import type { FetchedPayload, WorkingPayload } from '@boomerang/core/contracts/provider-outcome.ts';
import type { FailureClass } from '@boomerang/core/contracts/task-failure.ts';
import type { Catalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import type { Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { countingTries, loggable, Paused } from '@boomerang/core/domain/failures.ts';
import type { StoredResult } from '@boomerang/core/domain/job.ts';
import { firstKeptUntil } from '@boomerang/core/domain/result-life.ts';
import type { SettlePolicy } from '@boomerang/core/domain/settle.ts';
import type { JobReader, ResultStore } from '@boomerang/core/ports/jobs.ts';
import { discardStaleResults } from '@boomerang/core/use-cases/discard-stale-results.ts';
import { buildRequest } from './build-request.ts';
import { toMismatchError } from './catalogue-mismatch.ts';
import { checkLease, createExchange, type ExchangeDeps, isFailedCall } from './exchange.ts';
import { type Collected, fetchPages, isPaged } from './fetch-pages.ts';
import { judgeResponse } from './judge-response.ts';
import { isPolled, pollProvider } from './poll-provider.ts';
import type { Working } from './read-progress.ts';
import { findRequestValues } from './request-values.ts';
import type { FetchRequest } from './schema.ts';

export type FetchProviderDeps = ExchangeDeps & {
  catalogue: Catalogue;
  results: Pick<ResultStore, 'save' | 'remove'>;
  jobs: Pick<JobReader, 'getWithData'>;
  isPaused: boolean;
  /** Minimum time between two polls, milliseconds. */
  minPollMs: number;
  fetchDeadlineMs: number;
  policy: SettlePolicy;
};

/**
 * Maximum size of a result in the state of an execution, as a JSON string: ten results must fit into Step Functions' 256 KiB.
 */
const MAX_INLINE_BYTES = 16 * 1024;

/** How long a job is deferred while fetching is paused, milliseconds. */
const PAUSE_MS = 60_000;

/**
 * Fetches the data of one provider.
 *
 * @returns the data inline, or its storage key if it is too large; if the provider is still working, the ticket to poll and
 * when to poll it
 * @throws ProviderUnavailable | ProviderThrottled | CredentialRefused to be retried
 * @throws ProviderRefused permanently
 * @throws ProviderCircuitOpen | ProviderLimitReached | Paused if the fetch is deferred
 * @throws LeaseLost if too little of the lease is left
 * @throws CredentialMissing if the secret does not exist, CredentialInvalid if it can't be sent
 */
export const fetchProvider = async (
  deps: FetchProviderDeps,
  request: FetchRequest,
): Promise<FetchedPayload | WorkingPayload> =>
  countingTries(request.retryCount, async (tries) => fetchOnce(deps, request, tries));

const fetchOnce = async (
  deps: FetchProviderDeps,
  request: FetchRequest,
  tries: number | undefined,
): Promise<FetchedPayload | WorkingPayload> => {
  const { catalogue, now, log } = deps;
  const { jobId, leasedUntil, providerId } = request;
  const startedAt = now();
  if (deps.isPaused) throw new Paused({ class: 'paused', startedAt, retryAfterMs: PAUSE_MS });
  checkLease(leasedUntil, startedAt, startedAt);
  try {
    const provider = catalogue.get(providerId);
    // The job was accepted with this provider: it was removed since, or this process has an older catalogue.
    if (!provider) {
      const excerpt = 'the catalogue has no such provider';
      throw await toMismatchError(deps, request, { class: 'unknown_provider', startedAt, excerpt });
    }
    const collected = await collect(deps, provider, request, startedAt);
    if ('ticket' in collected) {
      const { ticket, retryAfterMs } = collected;
      log.info('Provider still working', { jobId, providerId, polls: ticket.polls, retryAfterMs });
      return { providerId, status: 'UNAVAILABLE', ticket, retryAfterMs };
    }
    const { json, statusCode, durationMs, pages } = collected;
    const bytes = Buffer.byteLength(json);
    const fetched: FetchedPayload = {
      providerId,
      status: 'FETCHED',
      fetchedAt: now(),
      bytes,
      statusCode,
      durationMs,
      tries,
    };
    log.info('Provider fetched', { jobId, providerId, bytes, durationMs, pages });
    if (Buffer.byteLength(JSON.stringify(json)) <= MAX_INLINE_BYTES) return { ...fetched, json };
    return { ...fetched, ...(await store(deps, request, { ...fetched, json })) };
  } catch (error) {
    log.warn('Provider fetch failed', { jobId, providerId, ...loggable(error) });
    if (isFailedCall(error) && !MISMATCHES.has(error.failure.class)) {
      deps.metrics.count('ProviderFailures', { provider: providerId });
    }
    throw error;
  }
};

/** Failures without a call to the provider. */
const MISMATCHES: ReadonlySet<FailureClass> = new Set(['bad_parameter', 'unknown_provider']);

/** Makes the calls of a fetch. */
const collect = async (
  deps: FetchProviderDeps,
  provider: Provider,
  request: FetchRequest,
  startedAt: number,
): Promise<Collected | Working> => {
  if (isPolled(provider)) return pollProvider(deps, provider, request, startedAt);
  const { jobId, leasedUntil } = request;
  const { values, round, secrets } = await findRequestValues(deps, provider, request, startedAt);
  const exchange = createExchange(deps, provider, { jobId, leasedUntil, startedAt, secrets });
  const purpose = { jobId, round };
  const first = buildRequest(provider, values, purpose);
  if (isPaged(provider)) return fetchPages(exchange, provider, first, purpose);
  return exchange(first, (response, reading) => ({
    json: judgeResponse(response, provider, reading),
    statusCode: response.statusCode,
    durationMs: response.durationMs,
    pages: 1,
  }));
};

/** Stores a large result. It is deleted again if the job has been deleted or claimed by another execution. */
const store = async (
  deps: FetchProviderDeps,
  { jobId, claims }: FetchRequest,
  { providerId, fetchedAt, bytes, json }: FetchedPayload & { json: string },
): Promise<StoredResult> => {
  const { results, now, fetchDeadlineMs, policy } = deps;
  const expiresAt = firstKeptUntil(now(), fetchDeadlineMs, policy);
  const stored = await results.save(jobId, claims, { providerId, fetchedAt, bytes, json }, expiresAt);
  await discardStaleResults(deps, { jobId, claims }, [{ providerId, ...stored }]);
  return stored;
};

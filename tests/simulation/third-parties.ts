import type { Random } from '@boomerang/core/domain/random.ts';
import { HttpFailure, type HttpRequest, type HttpResponse } from '@boomerang/core/ports/http.ts';
import { Webhook } from 'standardwebhooks';
import { SECRET } from '../builders.ts';
import { type CatalogueName, POLLED } from './catalogues.ts';
import type { Clock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { History } from './history.ts';
import { createPagedProvider, PAGED } from './paged-provider.ts';

const response = (statusCode: number, body = '', headers: Record<string, string> = {}): HttpResponse => ({
  statusCode,
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.from(body),
  durationMs: 1,
});

const PROVIDER_BEHAVIOURS = ['500', '429', '404', 'hangs', 'breaks', 'large', 'large', 'slow'] as const;
/** How a request about work may fail, besides failures of the work itself. */
const WORK_BEHAVIOURS = ['500', '429', 'hangs', 'breaks', 'slow', 'loses it', 'loses it', 'odd'] as const;
/** How a request for a page may fail. */
const PAGE_BEHAVIOURS = ['500', '429', '404', 'hangs', 'breaks', 'slow', 'slow', 'loops', 'lacks items'] as const;
const RECEIVER_BEHAVIOURS = ['500', '429', '503', '404', '410', 'aborts', 'hangs', 'lost', 'slow'] as const;

type Work = { idempotencyKey: string; number: number; doneAt: number; isFailing: boolean; isLost: boolean };

/** Providers and receivers that fail in many ways until the faults end. */
export const createThirdParties = (clock: Clock, faults: Faults, random: Random, history: History) => {
  const misbehaviourRate = [0, 0.3, 0.6, 0.9][Math.floor(random() * 4)] ?? 0;
  const drawBehaviour = <T extends string>(behaviours: readonly T[]): T | 'fine' =>
    faults.isCalm() || random() >= misbehaviourRate
      ? 'fine'
      : (behaviours[Math.floor(random() * behaviours.length)] as T);
  const hang = async ({ timeoutMs }: HttpRequest): Promise<never> => {
    await clock.sleep(timeoutMs);
    throw new HttpFailure('timeout', 'TimeoutError', timeoutMs);
  };
  /** The response of a failing provider; undefined if it does not fail. */
  const failAs = (behaviour: string): HttpResponse | undefined => {
    if (behaviour === 'breaks') throw new HttpFailure('connection_broken', 'ECONNRESET', 1);
    if (behaviour === '500') return response(500, '#fail');
    if (behaviour === '404') return response(404, '{}');
    if (behaviour === '429') return response(429, '', { 'retry-after': String(Math.floor(random() ** 3 * 1_200)) });
    return undefined;
  };
  let responseCount = 0;
  /** Work by origin and idempotency key. The polled provider starts work only once for each. */
  const works = new Map<string, Work>();

  const polledProvider = async (request: HttpRequest, jobId: string, claims: number): Promise<HttpResponse> => {
    const { method, url, headers = {} } = request;
    const idempotencyKey = headers['idempotency-key'] ?? '';
    const behaviour = drawBehaviour(WORK_BEHAVIOURS);
    const isStart = method === 'POST';
    if (isStart) history.add({ kind: 'requested', jobId, claims, idempotencyKey });
    const recordPoll = (polledResponse: string): void => {
      if (!isStart) history.add({ kind: 'polled', jobId, claims, url, response: polledResponse });
    };
    await clock.sleep(behaviour === 'slow' ? random() * 9_000 : 5 + random() * 100);
    // The work may start even if the connection fails.
    const number = works.size + 1;
    const { origin, pathname, search } = new URL(url);
    const key = `${origin} ${idempotencyKey}`;
    const isStarted = isStart && behaviour !== '500' && behaviour !== '429';
    if (isStarted && !works.has(key)) {
      const doneAt = clock.now() + random() * 1_350_000;
      works.set(key, { idempotencyKey, number, doneAt, isFailing: !faults.isCalm() && random() < 0.1, isLost: false });
    }
    if (behaviour === 'hangs') return hang(request);
    const failed = failAs(behaviour);
    if (failed) return failed;
    if (isStart) return response(202, '{}', { location: `/works/${works.get(key)?.number}${search}` });
    const [, work] =
      [...works].find(([start, { number: n }]) => start.startsWith(`${origin} `) && pathname === `/works/${n}`) ?? [];
    // Lost work stays lost, even if it is requested again with the same key.
    if (work && behaviour === 'loses it') work.isLost = true;
    if (!work || work.isLost) {
      recordPoll('404');
      return response(404, '{}');
    }
    const finalStatus = work.isFailing ? 'FAILED' : 'DONE';
    const plainStatus = clock.now() < work.doneAt ? 'RUNNING' : finalStatus;
    const status = behaviour === 'odd' ? 'ODD' : plainStatus;
    recordPoll(status);
    if (status !== 'DONE') return response(200, JSON.stringify({ status }));
    const report = JSON.stringify({ idempotencyKey: work.idempotencyKey, number: work.number });
    history.add({ kind: 'answered', jobId, claims, providerId: POLLED, json: report });
    return response(200, `{"status":"DONE","report":${report}}`);
  };

  const paged = createPagedProvider(random);
  const pagedProvider = async (request: HttpRequest, jobId: string, claims: number): Promise<HttpResponse> => {
    const behaviour = drawBehaviour(PAGE_BEHAVIOURS);
    const delayMs = behaviour === 'slow' ? random() * 9_000 : 5 + random() * 100;
    // A slow page may exceed the time left for all pages.
    if (behaviour === 'hangs' || delayMs >= request.timeoutMs) return hang(request);
    await clock.sleep(delayMs);
    const failed = failAs(behaviour);
    if (failed) return failed;
    const cursor = new URL(request.url).searchParams.get('cursor') ?? undefined;
    const page = paged.page(
      jobId,
      cursor,
      behaviour === 'loops' || behaviour === 'lacks items' ? behaviour : undefined,
    );
    if (!page) return response(400, '{}');
    if (page.list !== undefined) history.add({ kind: 'answered', jobId, claims, providerId: PAGED, json: page.list });
    return response(200, page.json);
  };

  return {
    provider: async (
      request: HttpRequest,
      call: { jobId: string; claims: number; providerId: string },
      catalogueName: CatalogueName,
    ): Promise<HttpResponse> => {
      const { url, headers = {} } = request;
      history.add({ kind: 'called', ...call, url, catalogueName, credential: headers.authorization });
      if (call.providerId === POLLED) return polledProvider(request, call.jobId, call.claims);
      if (call.providerId === PAGED) return pagedProvider(request, call.jobId, call.claims);
      const behaviour = drawBehaviour(PROVIDER_BEHAVIOURS);
      await clock.sleep(behaviour === 'slow' ? random() * 9_000 : 5 + random() * 100);
      if (behaviour === 'hangs') return hang(request);
      const failed = failAs(behaviour);
      if (failed) return failed;
      responseCount += 1;
      // Each response is unique, so that data in a callback can be traced to its fetch.
      const json = JSON.stringify({ responseCount, filling: 'x'.repeat(behaviour === 'large' ? 20_000 : 5) });
      history.add({ kind: 'answered', ...call, json });
      return response(200, json);
    },

    receiver: async (request: HttpRequest, jobId: string): Promise<HttpResponse> => {
      const behaviour = drawBehaviour(RECEIVER_BEHAVIOURS);
      await clock.sleep(behaviour === 'slow' ? random() * 14_000 : 5 + random() * 100);
      const { headers = {}, body = '' } = request;
      const isAccepted = behaviour === 'fine' || behaviour === 'slow' || behaviour === 'lost';
      const webhookId = headers['webhook-id'] ?? '';
      history.add({ kind: 'called back', jobId, webhookId, body, problem: judgeSignature(headers, body), isAccepted });
      if (behaviour === 'hangs' || behaviour === 'lost') {
        if (behaviour === 'lost')
          history.add({ kind: 'fault', jobId, description: 'receiver', excuse: 'response lost' });
        return hang(request);
      }
      if (behaviour === '429') return response(429, '', { 'retry-after': String(Math.floor(random() * 300)) });
      if (behaviour === '503') {
        return response(503, '', { 'retry-after': new Date(clock.now() + random() * 300_000).toUTCString() });
      }
      if (behaviour === 'aborts') return response(500, '', { 'webhook-delivery': 'abort-message' });
      return isAccepted ? response(200, '{}') : response(Number(behaviour));
    },
  };
};

const judgeSignature = (headers: Record<string, string>, body: string): string | undefined => {
  try {
    new Webhook(SECRET).verify(body, headers);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

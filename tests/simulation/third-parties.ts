import type { Random } from '@boomerang/core/domain/random.ts';
import { type HttpAnswer, HttpFailure, type HttpRequest } from '@boomerang/core/ports/http.ts';
import { Webhook } from 'standardwebhooks';
import { SECRET } from '../builders.ts';
import { type Generation, POLLED } from './catalogues.ts';
import type { Clock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { History } from './history.ts';
import { createPagedProvider, PAGED } from './paged-provider.ts';

const answer = (statusCode: number, body = '', headers: Record<string, string> = {}): HttpAnswer => ({
  statusCode,
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.from(body),
  durationMs: 1,
});

const PROVIDER_MOODS = ['500', '429', '404', 'hangs', 'breaks', 'large', 'large', 'slow'] as const;
/** How a request about work may fail, besides failures of the work itself. */
const WORK_MOODS = ['500', '429', 'hangs', 'breaks', 'slow', 'loses it', 'loses it', 'odd'] as const;
/** How a request for a page may fail. */
const PAGE_MOODS = ['500', '429', '404', 'hangs', 'breaks', 'slow', 'slow', 'loops', 'lacks items'] as const;
const RECEIVER_MOODS = ['500', '429', '503', '404', '410', 'aborts', 'hangs', 'lost', 'slow'] as const;

type Work = { value: string; number: number; doneAt: number; isFailing: boolean; isLost: boolean };

/** Providers and receivers that fail in many ways until faults are calm. */
export const createThirdParties = (clock: Clock, faults: Faults, random: Random, history: History) => {
  const badness = [0, 0.3, 0.6, 0.9][Math.floor(random() * 4)] ?? 0;
  const moodOf = <T extends string>(moods: readonly T[]): T | 'fine' =>
    faults.isCalm() || random() >= badness ? 'fine' : (moods[Math.floor(random() * moods.length)] as T);
  const hang = async ({ timeoutMs }: HttpRequest): Promise<never> => {
    await clock.sleep(timeoutMs);
    throw new HttpFailure('timeout', 'TimeoutError', timeoutMs);
  };
  /** The response of a failing provider; undefined if it does not fail. */
  const failAs = (mood: string): HttpAnswer | undefined => {
    if (mood === 'breaks') throw new HttpFailure('connection_broken', 'ECONNRESET', 1);
    if (mood === '500') return answer(500, '#fail');
    if (mood === '404') return answer(404, '{}');
    if (mood === '429') return answer(429, '', { 'retry-after': String(Math.floor(random() ** 3 * 1_200)) });
    return undefined;
  };
  let answers = 0;
  /** Work by origin and idempotency key: the polled provider does each once. */
  const works = new Map<string, Work>();

  const polledProvider = async (request: HttpRequest, jobId: string, claims: number): Promise<HttpAnswer> => {
    const { method, url, headers = {} } = request;
    const value = headers['idempotency-key'] ?? '';
    const mood = moodOf(WORK_MOODS);
    const isStart = method === 'POST';
    if (isStart) history.add({ kind: 'requested', jobId, claims, value });
    const recordPoll = (answer: string) =>
      void (isStart || history.add({ kind: 'polled', jobId, claims, url, answer }));
    await clock.sleep(mood === 'slow' ? random() * 9_000 : 5 + random() * 100);
    // The work may start even if the connection fails.
    const number = works.size + 1;
    const { origin, pathname, search } = new URL(url);
    const key = `${origin} ${value}`;
    const isStarted = isStart && mood !== '500' && mood !== '429';
    if (isStarted && !works.has(key)) {
      const doneAt = clock.now() + random() * 1_350_000;
      works.set(key, { value, number, doneAt, isFailing: !faults.isCalm() && random() < 0.1, isLost: false });
    }
    if (mood === 'hangs') return hang(request);
    const failed = failAs(mood);
    if (failed) return failed;
    if (isStart) return answer(202, '{}', { location: `/works/${works.get(key)?.number}${search}` });
    const isAsked = ([begunFor, one]: [string, Work]) =>
      begunFor.startsWith(`${origin} `) && pathname === `/works/${one.number}`;
    const [, work] = [...works].find(isAsked) ?? [];
    // Lost work stays lost, also for repeated requests with its key.
    if (work && mood === 'loses it') work.isLost = true;
    if (!work || work.isLost) {
      recordPoll('404');
      return answer(404, '{}');
    }
    const status = mood === 'odd' ? 'ODD' : clock.now() < work.doneAt ? 'RUNNING' : work.isFailing ? 'FAILED' : 'DONE';
    recordPoll(status);
    if (status !== 'DONE') return answer(200, JSON.stringify({ status }));
    const report = JSON.stringify({ of: work.value, number: work.number });
    history.add({ kind: 'answered', jobId, claims, providerId: POLLED, json: report });
    return answer(200, `{"status":"DONE","report":${report}}`);
  };

  const paged = createPagedProvider(random);
  const pagedProvider = async (request: HttpRequest, jobId: string, claims: number): Promise<HttpAnswer> => {
    const mood = moodOf(PAGE_MOODS);
    const delayMs = mood === 'slow' ? random() * 9_000 : 5 + random() * 100;
    // A slow page may exceed the time left for all pages.
    if (mood === 'hangs' || delayMs >= request.timeoutMs) return hang(request);
    await clock.sleep(delayMs);
    const failed = failAs(mood);
    if (failed) return failed;
    const cursor = new URL(request.url).searchParams.get('cursor') ?? undefined;
    const page = paged.page(jobId, cursor, mood === 'loops' || mood === 'lacks items' ? mood : undefined);
    if (!page) return answer(400, '{}');
    if (page.list !== undefined) history.add({ kind: 'answered', jobId, claims, providerId: PAGED, json: page.list });
    return answer(200, page.json);
  };

  return {
    provider: async (
      request: HttpRequest,
      who: { jobId: string; claims: number; providerId: string },
      generation: Generation,
    ): Promise<HttpAnswer> => {
      const { url, headers = {} } = request;
      history.add({ kind: 'called', ...who, url, generation, credential: headers.authorization });
      if (who.providerId === POLLED) return polledProvider(request, who.jobId, who.claims);
      if (who.providerId === PAGED) return pagedProvider(request, who.jobId, who.claims);
      const mood = moodOf(PROVIDER_MOODS);
      await clock.sleep(mood === 'slow' ? random() * 9_000 : 5 + random() * 100);
      if (mood === 'hangs') return hang(request);
      const failed = failAs(mood);
      if (failed) return failed;
      answers += 1;
      // Each answer is unique, so that data in a callback can be traced to its fetch.
      const json = JSON.stringify({ answers, filling: 'x'.repeat(mood === 'large' ? 20_000 : 5) });
      history.add({ kind: 'answered', ...who, json });
      return answer(200, json);
    },

    receiver: async (request: HttpRequest, jobId: string): Promise<HttpAnswer> => {
      const mood = moodOf(RECEIVER_MOODS);
      await clock.sleep(mood === 'slow' ? random() * 14_000 : 5 + random() * 100);
      const { headers = {}, body = '' } = request;
      const isAccepted = mood === 'fine' || mood === 'slow' || mood === 'lost';
      const webhookId = headers['webhook-id'] ?? '';
      history.add({ kind: 'called back', jobId, webhookId, body, problem: judgeSignature(headers, body), isAccepted });
      if (mood === 'hangs' || mood === 'lost') {
        if (mood === 'lost') history.add({ kind: 'fault', jobId, what: 'receiver', excuse: 'answer lost' });
        return hang(request);
      }
      if (mood === '429') return answer(429, '', { 'retry-after': String(Math.floor(random() * 300)) });
      if (mood === '503') {
        return answer(503, '', { 'retry-after': new Date(clock.now() + random() * 300_000).toUTCString() });
      }
      if (mood === 'aborts') return answer(500, '', { 'webhook-delivery': 'abort-message' });
      return isAccepted ? answer(200, '{}') : answer(Number(mood));
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

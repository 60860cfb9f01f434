import type { Random } from '@boomerang/core/domain/random.ts';
import { type HttpAnswer, HttpFailure, type HttpRequest } from '@boomerang/core/ports/http.ts';
import { Webhook } from 'standardwebhooks';
import { SECRET } from '../builders.ts';
import type { Clock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { History } from './history.ts';

export const PROVIDERS = ['gas', 'internet', 'water'] as const;

const answer = (statusCode: number, body = '', headers: Record<string, string> = {}): HttpAnswer => ({
  statusCode,
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.from(body),
  durationMs: 1,
});

const PROVIDER_MOODS = ['500', '429', '404', 'hangs', 'breaks', 'large', 'large', 'slow'] as const;
const RECEIVER_MOODS = ['500', '429', '503', '404', '410', 'aborts', 'hangs', 'lost', 'slow'] as const;

/** Providers and receivers in all their moods; while it is calm they are at their best. */
export const createThirdParties = (clock: Clock, faults: Faults, random: Random, history: History) => {
  const badness = [0, 0.3, 0.6, 0.9][Math.floor(random() * 4)] ?? 0;
  const moodOf = <T extends string>(moods: readonly T[]): T | 'fine' =>
    faults.isCalm() || random() >= badness ? 'fine' : (moods[Math.floor(random() * moods.length)] as T);
  const hang = async ({ timeoutMs }: HttpRequest): Promise<never> => {
    await clock.sleep(timeoutMs);
    throw new HttpFailure('timeout', 'TimeoutError', timeoutMs);
  };
  let answers = 0;

  return {
    provider: async (
      request: HttpRequest,
      who: { jobId: string; claims: number; providerId: string },
    ): Promise<HttpAnswer> => {
      const mood = moodOf(PROVIDER_MOODS);
      history.add({ kind: 'asked', ...who, url: request.url });
      await clock.sleep(mood === 'slow' ? random() * 9_000 : 5 + random() * 100);
      if (mood === 'hangs') return hang(request);
      if (mood === 'breaks') throw new HttpFailure('connection_broken', 'ECONNRESET', 1);
      if (mood === '500') return answer(500, '#fail');
      if (mood === '404') return answer(404, '{}');
      if (mood === '429') return answer(429, '', { 'retry-after': String(Math.floor(random() ** 3 * 1_200)) });
      answers += 1;
      // No two answers are the same: whose data is in a callback can be told.
      const json = JSON.stringify({ answers, filling: 'x'.repeat(mood === 'large' ? 20_000 : 5) });
      history.add({ kind: 'gave', ...who, json });
      return answer(200, json);
    },

    receiver: async (request: HttpRequest, jobId: string): Promise<HttpAnswer> => {
      const mood = moodOf(RECEIVER_MOODS);
      await clock.sleep(mood === 'slow' ? random() * 14_000 : 5 + random() * 100);
      const { headers = {}, body = '' } = request;
      const isTaken = mood === 'fine' || mood === 'slow' || mood === 'lost';
      const webhookId = headers['webhook-id'] ?? '';
      history.add({ kind: 'called back', jobId, webhookId, body, problem: judgeSignature(headers, body), isTaken });
      if (mood === 'hangs' || mood === 'lost') {
        if (mood === 'lost') history.add({ kind: 'fault', jobId, what: 'receiver', excuse: 'answer lost' });
        return hang(request);
      }
      if (mood === '429') return answer(429, '', { 'retry-after': String(Math.floor(random() * 300)) });
      if (mood === '503') {
        return answer(503, '', { 'retry-after': new Date(clock.now() + random() * 300_000).toUTCString() });
      }
      if (mood === 'aborts') return answer(500, '', { 'webhook-delivery': 'abort-message' });
      return isTaken ? answer(200, '{}') : answer(Number(mood));
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

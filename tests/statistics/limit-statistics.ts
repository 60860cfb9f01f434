import { seededRandom } from '@boomerang/core/domain/random.ts';
import type { Limits } from '@boomerang/core/ports/limits.ts';
import { createCallLimiter, LimitReached } from '../../functions/provider-fetch/limit-calls.ts';
import { createFakeLimits } from '../fakes/third-parties.ts';
import { createVirtualTime } from './virtual-time.ts';

/**
 * Runs the real call limiter in function instances that make one call each, with virtual time and an in-memory table that allows
 * 1,000 writes per second per key, and measures how much of a limit is used and at what cost.
 */

export type LimitRun = {
  seed: number;
  ratePerSecond?: number;
  concurrency?: number;
  /** Instances started per second; each requests one call. */
  requestsPerSecond: number;
  /** The duration of a call, milliseconds. */
  callMs: number;
};

export type LimitResult = {
  /** The number of calls that began in each measured second. */
  callsBySecond: number[];
  mostAtOnce: number;
  refused: number;
  /** The maximum number of table requests for one call. */
  mostRequests: number;
  slotsHeldAfterwards: number;
};

const START = 1_800_000_000_000;
const SECONDS = 10;
/** The first second is not measured, because calls ramp up. */
const WARM_UP_SECONDS = 1;

export const runLimit = async (run: LimitRun): Promise<LimitResult> => {
  const random = seededRandom(run.seed);
  const clock = createVirtualTime(START);
  const limits = createFakeLimits(clock.now);
  const bySecond = new Map<number, number>();
  const result = { mostAtOnce: 0, refused: 0, mostRequests: 0 };
  let active = 0;
  const provider = {
    id: 'gas',
    url: 'https://example.com',
    timeoutMs: 10_000,
    maxBytes: 1,
    ...(run.ratePerSecond !== undefined && { ratePerSecond: run.ratePerSecond }),
    ...(run.concurrency !== undefined && { concurrency: run.concurrency }),
  };
  const requestCall = async (): Promise<void> => {
    let requests = 0;
    const remote =
      <Args extends unknown[], Result>(operation: (...args: Args) => Promise<Result>) =>
      async (...args: Args): Promise<Result> => {
        requests += 1;
        await clock.sleep(1 + random() * 4);
        const response = await operation(...args);
        await clock.sleep(1 + random() * 4);
        return response;
      };
    const slow: Limits = {
      reserveCall: remote(limits.reserveCall),
      findFreeSlots: remote(limits.findFreeSlots),
      acquireSlot: remote(limits.acquireSlot),
      releaseSlot: remote(limits.releaseSlot),
    };
    const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const limit = createCallLimiter({ limits: slow, now: clock.now, random, sleep: clock.sleep, log: silent });
    try {
      await limit(provider, async () => {
        active += 1;
        result.mostAtOnce = Math.max(result.mostAtOnce, active);
        const second = Math.floor((clock.now() - START) / 1_000);
        bySecond.set(second, (bySecond.get(second) ?? 0) + 1);
        await clock.sleep(run.callMs * (0.5 + random()));
        active -= 1;
      });
    } catch (error) {
      if (!(error instanceof LimitReached)) throw error;
      result.refused += 1;
    }
    result.mostRequests = Math.max(result.mostRequests, requests);
  };

  const durationMs = (WARM_UP_SECONDS + SECONDS) * 1_000;
  for (let index = 0; index < (run.requestsPerSecond * durationMs) / 1_000; index += 1) {
    clock.at(START + random() * durationMs, () => void requestCall());
  }
  await clock.run();
  const { concurrency = 0 } = run;
  return {
    callsBySecond: Array.from({ length: SECONDS }, (_, index) => bySecond.get(WARM_UP_SECONDS + index) ?? 0),
    slotsHeldAfterwards: concurrency - (await limits.findFreeSlots(provider.id, concurrency, clock.now())).length,
    ...result,
  };
};

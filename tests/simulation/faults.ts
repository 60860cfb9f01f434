import type { Random } from '@boomerang/core/domain/random.ts';

export type InvocationFate = 'fine' | 'throttled' | 'fails before' | 'answer lost' | 'killed';
export type CallFate = { delayMs: number; kind: 'fine' | 'fails before' | 'answer lost' | 'twice' };

/** Which of a list; the first is the rule, the others are as likely as each other. */
const oneOf = <T>(random: Random, rate: number, rule: T, ...others: T[]): T =>
  random() >= rate ? rule : (others[Math.floor(random() * others.length)] as T);

/** What goes wrong, by chance, until it is told to be calm. Some seeds are quiet, some are wild. */
export const createFaults = (random: Random) => {
  const rate = [0, 0.01, 0.05, 0.15][Math.floor(random() * 4)] ?? 0;
  let isCalm = false;
  const strikes = (share: number) => !isCalm && random() < rate * share;
  return {
    isCalm: () => isCalm,
    calm: () => {
      isCalm = true;
    },
    random,
    invocation: (): InvocationFate =>
      oneOf(random, isCalm ? 0 : rate, 'fine', 'throttled', 'fails before', 'answer lost', 'killed'),
    call: (): CallFate => ({
      kind: oneOf(random, isCalm ? 0 : rate, 'fine', 'fails before', 'answer lost', 'twice'),
      // Most are quick; some are slow; a few outlive the task that waits for them, and the lease.
      delayMs: strikes(0.2) ? random() * 500_000 : strikes(1) ? random() * 10_000 : 1 + random() * 20,
    }),
    isRestarted: () => strikes(0.5),
    isCrash: () => strikes(0.3),
    tickDelayMs: () => (strikes(3) ? random() * 120_000 : 0),
    isDoubleTick: () => strikes(2),
  };
};

export type Faults = ReturnType<typeof createFaults>;

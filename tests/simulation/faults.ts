import type { Random } from '@boomerang/core/domain/random.ts';

/** A fault of ours that lasts: functions that cannot load, an account that is throttled, a table out of reach. */
export type Outage = {
  what: 'FetchProvider' | 'DeliverCallback' | 'SettleJob' | 'ClaimDueJobs' | 'workers' | 'throttled' | 'table';
  from: number;
  to: number;
};
const OUTAGES: Outage['what'][] = [
  'FetchProvider',
  'DeliverCallback',
  'SettleJob',
  'ClaimDueJobs',
  'workers',
  'throttled',
  'table',
];
/** What works on a claimed job: a bad deployment may break all of it, and leave the claiming as it was. */
const WORKERS = ['FetchProvider', 'DeliverCallback', 'SettleJob'];
const HOUR = 3_600_000;

export type InvocationFate = 'fine' | 'throttled' | 'fails before' | 'answer lost' | 'killed';
export type CallFate = { delayMs: number; kind: 'fine' | 'fails before' | 'answer lost' | 'twice' };

/** Which of a list; the first is the rule, the others are as likely as each other. */
const oneOf = <T>(random: Random, rate: number, rule: T, ...others: T[]): T =>
  random() >= rate ? rule : (others[Math.floor(random() * others.length)] as T);

/** Clocks of AWS's machines agree within seconds. */
export const MAX_SKEW_MS = 2_000;

/** What goes wrong, by chance, until it is told to be calm. Some seeds are quiet, some are wild. */
export const createFaults = (random: Random, now: () => number) => {
  const rate = [0, 0.01, 0.05, 0.15][Math.floor(random() * 4)] ?? 0;
  let isCalm = false;
  /** One seed in ten has an outage of hours, half of these of days. */
  const drawOutage = (): Outage | undefined => {
    const draw = random();
    const what = OUTAGES[Math.floor(random() * OUTAGES.length)] as Outage['what'];
    const hours = draw < 0.05 ? 24 + random() * 24 : 0.5 + random() * 3;
    const from = now() + random() * HOUR;
    return draw < 0.1 ? { what, from, to: from + hours * HOUR } : undefined;
  };
  const outage = drawOutage();
  /** Whether a task, or something that all need, is out of order. */
  const isOut = (what: string) => {
    if (!outage || now() < outage.from || now() >= outage.to) return false;
    return outage.what === what || (outage.what === 'workers' && WORKERS.includes(what));
  };
  const strikes = (share: number) => !isCalm && random() < rate * share;
  return {
    outage,
    isOut,
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
    /** How many calls an instance of a function lives for: one, some or many, the same in a whole seed. */
    instanceLife: [1, 4, 1_000][Math.floor(random() * 3)] ?? 1,
    /** How far the clock of an instance is off, milliseconds. */
    skewMs: () => Math.round((random() * 2 - 1) * MAX_SKEW_MS),
    /** Whether the table deletes what has expired by now: it does so within days, not at once. */
    isTtlRun: () => random() < 0.1,
    isDoubleTick: () => strikes(2),
  };
};

export type Faults = ReturnType<typeof createFaults>;

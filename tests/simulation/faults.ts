import type { Random } from '@boomerang/core/domain/random.ts';

/** A lasting internal fault: functions that cannot load, a throttled account, an unreachable table. */
export type Outage = {
  target: 'FetchProvider' | 'DeliverCallback' | 'SettleJob' | 'ClaimDueJobs' | 'workers' | 'throttled' | 'table';
  from: number;
  to: number;
};
const OUTAGES: Outage['target'][] = [
  'FetchProvider',
  'DeliverCallback',
  'SettleJob',
  'ClaimDueJobs',
  'workers',
  'throttled',
  'table',
];
/** The tasks that process claimed jobs. A bad deployment may break them all while claiming still works. */
const WORKERS = ['FetchProvider', 'DeliverCallback', 'SettleJob'];
const HOUR = 3_600_000;

export type InvocationFate = 'fine' | 'throttled' | 'fails before' | 'response lost' | 'killed';
export type CallFate = { delayMs: number; kind: 'fine' | 'fails before' | 'response lost' | 'twice' };

/** Chooses `usual` with probability `1 - rate`, otherwise any of the others with equal probability. */
const oneOf = <T>(random: Random, rate: number, usual: T, ...others: T[]): T =>
  random() >= rate ? usual : (others[Math.floor(random() * others.length)] as T);

/** The clocks of AWS machines differ by seconds at most. */
export const MAX_SKEW_MS = 2_000;

/** Random faults until `calm` is called. The fault rate depends on the seed. */
export const createFaults = (random: Random, now: () => number) => {
  const rate = [0, 0.01, 0.05, 0.15][Math.floor(random() * 4)] ?? 0;
  let isCalm = false;
  /** One of ten seeds has an outage. Half of the outages last hours, the others a day or more. */
  const drawOutage = (): Outage | undefined => {
    const draw = random();
    const target = OUTAGES[Math.floor(random() * OUTAGES.length)] as Outage['target'];
    const hours = draw < 0.05 ? 24 + random() * 24 : 0.5 + random() * 3;
    const from = now() + random() * HOUR;
    return draw < 0.1 ? { target, from, to: from + hours * HOUR } : undefined;
  };
  const outage = drawOutage();
  /** Whether an outage affects a task or a shared dependency. */
  const isOut = (target: string) => {
    if (!outage || now() < outage.from || now() >= outage.to) return false;
    return outage.target === target || (outage.target === 'workers' && WORKERS.includes(target));
  };
  /** Whether a fault happens that is `factor` times as frequent as the fault rate. */
  const occurs = (factor: number) => !isCalm && random() < rate * factor;
  return {
    outage,
    isOut,
    isCalm: () => isCalm,
    calm: () => {
      isCalm = true;
    },
    random,
    invocation: (): InvocationFate =>
      oneOf(random, isCalm ? 0 : rate, 'fine', 'throttled', 'fails before', 'response lost', 'killed'),
    call: (): CallFate => ({
      kind: oneOf(random, isCalm ? 0 : rate, 'fine', 'fails before', 'response lost', 'twice'),
      // Most calls are quick, some are slow, and a few outlast their task and the lease.
      delayMs: occurs(0.2) ? random() * 500_000 : occurs(1) ? random() * 10_000 : 1 + random() * 20,
    }),
    startsTwice: () => occurs(0.5),
    crashes: () => occurs(0.3),
    tickDelayMs: () => (occurs(3) ? random() * 120_000 : 0),
    /** Calls per function instance: one, some or many, constant for the seed. */
    callsPerInstance: [1, 4, 1_000][Math.floor(random() * 3)] ?? 1,
    /** The clock skew of an instance, milliseconds. */
    skewMs: () => Math.round((random() * 2 - 1) * MAX_SKEW_MS),
    /** Whether the table deletes expired items now. DynamoDB deletes them within days. */
    deletesExpired: () => random() < 0.1,
    ticksTwice: () => occurs(2),
  };
};

export type Faults = ReturnType<typeof createFaults>;

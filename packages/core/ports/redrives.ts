import type { Redrive } from '../domain/redrive.ts';

/** An open redrive as the index of due work shows it; the index lags, so only claiming it tells whether it is still due. */
export type DueRedrive = Pick<Redrive, 'claims'> & {
  /** Where it is stored, for `claim` and `save` alone. */
  key: string;
  /** Epoch milliseconds. */
  dueAt: number;
  /** Whether a page of it stalled, and no such number of pages went well since that it may be forgotten. */
  isStalled: boolean;
};

/** A redrive in the hands of whoever claimed it. */
export type ClaimedRedrive = Redrive & Pick<DueRedrive, 'key'>;

/** What the API does with requests to try many jobs again. */
export type RedriveIntake = {
  /**
   * Stores a redrive, unless its client has one that is RUNNING. Atomic: of many at the same time, one is new.
   * @returns the client's open redrive, and whether it is the given one
   */
  create: (redrive: Redrive, now: number) => Promise<{ isNew: boolean; redrive: Redrive }>;
  /** Undefined when the client has none of this id, or it has expired. */
  get: (clientId: string, redriveId: string, now: number) => Promise<Redrive | undefined>;
  /**
   * Announces a pass that is about to be started, until the given time, unless one is already announced: that one finds
   * every redrive that was stored before.
   * @returns whether the pass is to be started
   */
  reservePass: (now: number, until: number) => Promise<boolean>;
};

/** What sweeps do with them. */
export type RedriveWork = {
  /** The redrives that may be claimed, the longest due first; not necessarily all. */
  findDue: (now: number) => Promise<DueRedrive[]>;
  /** Claims one until `now + leaseMs`, for one page. Undefined when somebody else was faster. */
  claim: (
    entry: Pick<DueRedrive, 'key' | 'claims'>,
    now: number,
    leaseMs: number,
  ) => Promise<ClaimedRedrive | undefined>;
  /**
   * Writes how far it came, once a claim. One that is complete makes way for its client's next.
   * @throws StaleClaim when somebody else has claimed it
   */
  save: (redrive: ClaimedRedrive) => Promise<void>;
  /** Announces the pass that is under way until the given time; 0 when it ends. */
  announcePass: (until: number) => Promise<void>;
};

/** Where requests to try many jobs again are kept until they are fulfilled, and for a while after. */
export type Redrives = RedriveIntake & RedriveWork;

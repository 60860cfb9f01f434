import type { Redrive } from '../domain/redrive.ts';

/** An open redrive in the due index. The index lags behind the table, so only a claim shows whether it is still due. */
export type DueRedrive = Pick<Redrive, 'claims'> & {
  /** Storage key, for `claim` and `save` only. */
  key: string;
  /** Epoch milliseconds. */
  dueAt: number;
  /** Whether it has stalls: pages that were claimed but not saved. */
  isStalled: boolean;
};

/** A redrive under a claim. */
export type ClaimedRedrive = Redrive & Pick<DueRedrive, 'key'>;

export type RedriveListQuery = { clientId: string; limit: number; after?: string | undefined; now: number };

export type RedrivePage = { redrives: Redrive[]; cursor?: string };

/** Requests to redrive many jobs, as the API uses them. */
export type RedriveIntake = {
  /**
   * Stores a redrive unless its client has one that is RUNNING. Atomic: of concurrent calls, exactly one succeeds.
   * @returns the client's open redrive, and whether this call created it
   */
  create: (redrive: Redrive, now: number) => Promise<{ isNew: boolean; redrive: Redrive }>;
  /** Undefined if the client has no redrive of this id or it has expired. */
  get: (clientId: string, redriveId: string, now: number) => Promise<Redrive | undefined>;
  /** A client's redrives, newest first; `after` and `cursor` are ids. A page without a cursor is the last. */
  list: (query: RedriveListQuery) => Promise<RedrivePage>;
  /**
   * Reserves a pass over the due redrives until a time, epoch milliseconds, unless one is already reserved. The reserved pass
   * finds every redrive stored before this call.
   * @returns whether the caller must start the pass
   */
  reservePass: (now: number, until: number) => Promise<boolean>;
};

/** Redrives, as sweeps work on them. */
export type RedriveWork = {
  /** Due redrives, longest due first; at most one page. */
  findDue: (now: number) => Promise<DueRedrive[]>;
  /** Claims a redrive for one page, until `now + leaseMs`. Undefined if another claim was faster. */
  claim: (
    entry: Pick<DueRedrive, 'key' | 'claims'>,
    now: number,
    leaseMs: number,
  ) => Promise<ClaimedRedrive | undefined>;
  /**
   * Saves the progress, once per claim. After a completed redrive, its client may start another.
   * @throws StaleClaim if a newer claim exists
   */
  save: (redrive: ClaimedRedrive) => Promise<void>;
  /** Extends the reservation of the running pass; 0 ends it. */
  extendPass: (until: number) => Promise<void>;
};

/** Storage of redrives. */
export type Redrives = RedriveIntake & RedriveWork;

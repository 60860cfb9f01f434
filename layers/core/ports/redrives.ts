import type { Redrive } from '../domain/redrive.ts';

/** Where wishes to try many jobs again are kept until they are fulfilled, and for a while after. */
export type Redrives = {
  create: (redrive: Redrive) => Promise<void>;
  /** Undefined when there is none, or it has expired. */
  get: (redriveId: string, now: number) => Promise<Redrive | undefined>;
  /** Those that wait to be carried on, the longest due first. */
  findDue: (now: number) => Promise<Pick<Redrive, 'redriveId' | 'claims'>[]>;
  /** Takes one until `now + leaseMs`. Undefined when somebody else was faster. */
  claim: (entry: Pick<Redrive, 'redriveId' | 'claims'>, now: number, leaseMs: number) => Promise<Redrive | undefined>;
  /**
   * Writes how far it came.
   * @throws StaleClaim when somebody else has taken it
   */
  save: (redrive: Redrive) => Promise<void>;
};

import type { ClaimedJob } from '@boomerang/core/contracts/claimed-job.ts';

/** As many jobs as an inline Map works on at once. */
const MAX_BATCH_JOBS = 40;

/** A task's output is at most 256 KiB (Step Functions quota): past the first number no claims begin, past the second none fit. */
const FULL_BYTES = 200 * 1024;
const MAX_BYTES = 250 * 1024;
const MAX_JOB_BYTES = 6 * 1024;

export type Batches = {
  /** @param isSuspect whether an execution died with it before: such a job gets a batch of its own, and takes no other along */
  add: (job: ClaimedJob, isSuspect: boolean) => void;
  isFull: () => boolean;
  /** How many more jobs fit, whatever their size. */
  room: () => number;
  toArray: () => ClaimedJob[][];
};

export const createBatches = (): Batches => {
  const alone: ClaimedJob[][] = [];
  const shared: ClaimedJob[][] = [];
  let bytes = 0;
  return {
    add: (job, isSuspect) => {
      bytes += Buffer.byteLength(JSON.stringify(job)) + 1;
      const open = shared.at(-1);
      if (isSuspect) alone.push([job]);
      else if (open && open.length < MAX_BATCH_JOBS) open.push(job);
      else shared.push([job]);
    },
    isFull: () => bytes >= FULL_BYTES,
    room: () => Math.floor((MAX_BYTES - bytes) / MAX_JOB_BYTES),
    toArray: () => [...shared, ...alone],
  };
};

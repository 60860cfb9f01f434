import type { ClaimedJob } from '@boomerang/core/contracts/claimed-job.ts';
import { jsonBytes } from '@boomerang/core/domain/json-values.ts';

/**
 * Step Functions limits the input and output of each task, state and execution to 256 KiB. A batch is the input of one
 * execution; all batches of a pass are the output of its task.
 */

/** The maximum concurrency of an inline Map. */
const MAX_BATCH_JOBS = 40;
const MAX_BATCH_BYTES = 200 * 1024;

/** No new claims start above this size of all batches. */
const FULL_BYTES = 200 * 1024;
/** The limit of all batches, which claims in flight must not exceed. */
const MAX_BYTES = 250 * 1024;

/** The largest claimed job, as JSON: a test builds it. */
export const MAX_JOB_BYTES = 6 * 1024;

/** How much a batch adds to the state machine's data besides its jobs: brackets, a comma, and its outcome. */
const BATCH_BYTES = 24;

export type Batches = {
  /** @param isSuspect whether an earlier execution of the job died: it gets its own batch, so that no other job fails with it */
  add: (job: ClaimedJob, isSuspect: boolean) => void;
  isFull: () => boolean;
  /** How many more jobs of the largest size fit. */
  room: () => number;
  toArray: () => ClaimedJob[][];
};

type Batch = { jobs: ClaimedJob[]; bytes: number };

export const createBatches = (): Batches => {
  const alone: Batch[] = [];
  const shared: Batch[] = [];
  const bytesOf = (batches: Batch[]) => batches.reduce((sum, { bytes }) => sum + bytes, 0);
  const allBytes = () => bytesOf(alone) + bytesOf(shared);
  const open = (batches: Batch[]): Batch => {
    const batch = { jobs: [], bytes: BATCH_BYTES };
    batches.push(batch);
    return batch;
  };
  const hasRoom = (batch: Batch | undefined, bytes: number): batch is Batch =>
    batch !== undefined && batch.jobs.length < MAX_BATCH_JOBS && batch.bytes + bytes <= MAX_BATCH_BYTES;
  const findShared = (bytes: number): Batch => {
    const last = shared.at(-1);
    return hasRoom(last, bytes) ? last : open(shared);
  };
  return {
    add: (job, isSuspect) => {
      const bytes = jsonBytes(job) + 1;
      const batch = isSuspect ? open(alone) : findShared(bytes);
      batch.jobs.push(job);
      batch.bytes += bytes;
    },
    isFull: () => allBytes() >= FULL_BYTES,
    room: () => Math.floor((MAX_BYTES - allBytes()) / (MAX_JOB_BYTES + BATCH_BYTES)),
    toArray: () => [...shared, ...alone].map(({ jobs }) => jobs),
  };
};

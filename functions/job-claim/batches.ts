import type { ClaimedJob } from '@boomerang/core/contracts/claimed-job.ts';
import { jsonBytes } from '@boomerang/core/domain/json-values.ts';

/**
 * Input and output of tasks, states and executions are at most 256 KiB each (Step Functions quota). A batch is the input of an
 * execution; all batches of a pass together are the output of its task.
 */

/** As many jobs as an inline Map works on at once. */
const MAX_BATCH_JOBS = 40;
const MAX_BATCH_BYTES = 200 * 1024;

/** Past the first number no claims begin, past the second none fit. */
const FULL_BYTES = 200 * 1024;
const MAX_BYTES = 250 * 1024;

/** The largest claimed job, as JSON: a test builds it. */
export const MAX_JOB_BYTES = 6 * 1024;

/** What the state machine adds for a batch: its brackets, a comma, and how it ended. */
const BATCH_BYTES = 24;

export type Batches = {
  /** @param isSuspect whether an execution died with it before: such a job gets a batch of its own, and takes no other along */
  add: (job: ClaimedJob, isSuspect: boolean) => void;
  isFull: () => boolean;
  /** How many more jobs fit, whatever their size. */
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

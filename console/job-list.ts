import { computed, signal } from '@preact/signals';
import type { JobSummary } from './api-types.ts';

/**
 * Merges a fresh first page into the rows that were loaded before. Changed rows are replaced; the others stay the same objects.
 * If the page and the older rows have no row in common, there may be a gap between them, so only the page is kept.
 *
 * @param isLast whether the fresh page holds all jobs
 */
export const mergeRows = (old: JobSummary[], fresh: JobSummary[], isLast: boolean): JobSummary[] => {
  const oldById = new Map(old.map((row) => [row.jobId, row]));
  const rows = fresh.map((row) => {
    const before = oldById.get(row.jobId);
    return before && JSON.stringify(before) === JSON.stringify(row) ? before : row;
  });
  const last = fresh.at(-1);
  const at = last && !isLast ? old.findIndex(({ jobId }) => jobId === last.jobId) : -1;
  return at === -1 ? rows : [...rows, ...old.slice(at + 1)];
};

/** The rows selected for an action. */
export const createSelection = () => {
  const ids = signal<ReadonlySet<string>>(new Set());
  return {
    ids,
    count: computed(() => ids.value.size),
    toggle: (id: string): void => {
      const next = new Set(ids.value);
      if (!next.delete(id)) next.add(id);
      ids.value = next;
    },
    set: (all: Iterable<string>): void => {
      ids.value = new Set(all);
    },
    clear: (): void => {
      if (ids.value.size > 0) ids.value = new Set();
    },
  };
};
export type Selection = ReturnType<typeof createSelection>;

const MAX_CONCURRENT = 4;

/** Runs an action for each id, a few at a time. @returns how many succeeded, and the errors of the others */
export const runForEach = async (
  ids: string[],
  act: (id: string) => Promise<unknown>,
  onProgress: (done: number) => void,
): Promise<{ succeeded: number; errors: unknown[] }> => {
  const queue = [...ids];
  const errors: unknown[] = [];
  let done = 0;
  const work = async (): Promise<void> => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      await act(id).catch((error: unknown) => errors.push(error));
      done += 1;
      onProgress(done);
    }
  };
  await Promise.all(Array.from({ length: MAX_CONCURRENT }, work));
  return { succeeded: done - errors.length, errors };
};

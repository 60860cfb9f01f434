import type { JobStore } from '../fakes/job-store.ts';

/** Mistakes that the simulation has to find: each makes the table, as the code sees it, a little wrong. */
export const PLANTED_BUGS = {
  'claims without a condition': (store, jobs) => ({
    ...store,
    due: {
      ...store.due,
      claim: async (entry, now, leaseMs) => {
        const job = jobs.get(entry.jobId);
        if (job?.status !== 'PENDING') return undefined;
        // As it is, not as it was found: whoever comes second takes it all the same, at any time.
        jobs.set(job.jobId, { ...job, dueAt: now });
        return store.due.claim({ jobId: job.jobId, claims: job.claims, dueAt: now }, now, leaseMs);
      },
    },
  }),
  'outcomes without fencing': (store, jobs) => ({
    ...store,
    outcomes: {
      save: async (jobId, claims, settlement, data) => {
        const job = jobs.get(jobId);
        if (job) jobs.set(jobId, { ...job, leasedUntil: 1 });
        return store.outcomes.save(jobId, job?.claims ?? claims, settlement, data);
      },
    },
  }),
  'results that are not kept': (store) => ({
    ...store,
    results: { ...store.results, save: async (_, __, ___, keptUntil) => ({ chunks: 1, keptUntil }) },
  }),
  'jobs that are never due again': (store, jobs) => ({
    ...store,
    outcomes: {
      save: async (jobId, claims, settlement, data) => {
        await store.outcomes.save(jobId, claims, settlement, data);
        const { dueAt: _, ...job } = jobs.get(jobId) ?? {};
        if (settlement.dueAt !== undefined) jobs.set(jobId, job as never);
      },
    },
  }),
  'ends that are taken back': (store) => ({
    ...store,
    outcomes: {
      save: async (jobId, claims, { expiresAt: _, ...settlement }, data) => {
        if (settlement.status !== 'COMPLETE') return store.outcomes.save(jobId, claims, settlement, data);
        // It is written that the receiver has it; but the job goes on.
        return store.outcomes.save(
          jobId,
          claims,
          { ...settlement, status: 'PENDING', dueAt: settlement.updatedAt },
          data,
        );
      },
    },
  }),
} as const satisfies Record<
  string,
  (store: JobStore, jobs: Map<string, import('@boomerang/core/domain/job.ts').Job>) => JobStore
>;

export type PlantedBug = keyof typeof PLANTED_BUGS;

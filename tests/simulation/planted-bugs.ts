import type { ClaimedJob } from '@boomerang/core/contracts/claimed-job.ts';
import type { Catalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import type { Job } from '@boomerang/core/domain/job.ts';
import type { SendHttp } from '@boomerang/core/ports/http.ts';
import type { JobStore } from '../fakes/job-store.ts';
import { POLLED } from './catalogues.ts';
import { MAX_PAGES, PAGED } from './paged-provider.ts';

/** A bug, planted by changing what the code sees of the table, catalogue or providers, or what a sweep passes to an execution. */
type Bug = {
  store?: (store: JobStore, jobs: Map<string, Job>) => JobStore;
  claimed?: (job: ClaimedJob) => ClaimedJob;
  catalogue?: (catalogue: Catalogue, job: Job | undefined) => Catalogue;
  answers?: (send: SendHttp) => SendHttp;
};

/** Bugs that the simulation must find. */
export const PLANTED_BUGS = {
  'claims without a condition': {
    store: (store, jobs) => ({
      ...store,
      due: {
        ...store.due,
        claim: async (entry, now, leaseMs) => {
          const job = jobs.get(entry.jobId);
          if (job?.status !== 'PENDING') return undefined;
          // Claims the job in its current state: a second claim succeeds too, at any time.
          jobs.set(job.jobId, { ...job, dueAt: now });
          return store.due.claim({ jobId: job.jobId, claims: job.claims, dueAt: now }, now, leaseMs);
        },
      },
    }),
  },
  'outcomes without fencing': {
    store: (store, jobs) => ({
      ...store,
      outcomes: {
        save: async (jobId, claims, settlement, data) => {
          const job = jobs.get(jobId);
          if (job) jobs.set(jobId, { ...job, leasedUntil: 1 });
          return store.outcomes.save(jobId, job?.claims ?? claims, settlement, data);
        },
      },
    }),
  },
  'results that are not stored': {
    store: (store) => ({
      ...store,
      results: { ...store.results, save: async (_, __, ___, keptUntil) => ({ chunks: 1, keptUntil }) },
    }),
  },
  'failures that no list shows': {
    store: (store) => ({
      ...store,
      outcomes: {
        save: async (jobId, claims, { isInTrouble: _, ...settlement }, data) =>
          store.outcomes.save(jobId, claims, settlement, data),
      },
    }),
  },
  'jobs that are never due again': {
    store: (store, jobs) => ({
      ...store,
      outcomes: {
        save: async (jobId, claims, settlement, data) => {
          await store.outcomes.save(jobId, claims, settlement, data);
          const { dueAt: _, ...job } = jobs.get(jobId) ?? {};
          if (settlement.dueAt !== undefined) jobs.set(jobId, job as never);
        },
      },
    }),
  },
  'deliveries that leave the job pending': {
    store: (store) => ({
      ...store,
      outcomes: {
        save: async (jobId, claims, { expiresAt: _, ...settlement }, data) => {
          if (settlement.status !== 'COMPLETE') return store.outcomes.save(jobId, claims, settlement, data);
          // The outcome says delivered, but the job stays pending.
          const pending = { ...settlement, status: 'PENDING', dueAt: settlement.updatedAt } as const;
          return store.outcomes.save(jobId, claims, pending, data);
        },
      },
    }),
  },
  'parameters that a sweep does not pass on': { claimed: ({ parameters: _, ...job }) => job },
  'metadata that a sweep does not pass on': { claimed: ({ metadata: _, ...job }) => job },
  'a redrive that drops parameters and metadata': {
    store: (store) => ({
      ...store,
      control: {
        ...store.control,
        replace: async (read, { parameters: _, metadata: __, ...next }) => store.control.replace(read, next),
      },
    }),
  },
  'a callback while a provider waits': { claimed: (job) => ({ ...job, isAnyWaiting: false }) },
  'a retry time of one provider applied to all': {
    store: (store) => ({
      ...store,
      outcomes: {
        save: async (jobId, claims, settlement, data) => {
          const times = settlement.results.flatMap((one) => (one.status === 'UNAVAILABLE' ? (one.retryAt ?? []) : []));
          const isFetching = settlement.phase === 'FETCHING' && settlement.dueAt !== undefined;
          const late = isFetching ? { ...settlement, dueAt: Math.max(settlement.dueAt ?? 0, ...times) } : settlement;
          return store.outcomes.save(jobId, claims, late, data);
        },
      },
    }),
  },
  'an internal fault counted as an attempt': {
    store: (store) => ({
      ...store,
      outcomes: {
        save: async (jobId, claims, settlement, data) => {
          const isInternalFault = (settlement.internalFaults ?? 0) > 0;
          const counted = isInternalFault ? { ...settlement, fetchAttempts: 1, callbackAttempts: 1 } : settlement;
          return store.outcomes.save(jobId, claims, counted, data);
        },
      },
    }),
  },
  'a stored result that expires early': {
    store: (store) => ({
      ...store,
      results: {
        ...store.results,
        // The result expires after the callback schedule, earlier than the job assumes.
        save: async (jobId, claims, result, keptUntil) => {
          const stored = await store.results.save(jobId, claims, result, Math.ceil(result.fetchedAt / 1000) + 750);
          return { ...stored, keptUntil };
        },
      },
    }),
  },
  'a ticket that is dropped when a poll fails': {
    store: (store) => ({
      ...store,
      outcomes: {
        save: async (jobId, claims, settlement, data) => {
          const results = settlement.results.map((result) => {
            if (result.status !== 'UNAVAILABLE' || (result.attempts ?? 0) === 0) return result;
            const { ticket: _, ...rest } = result;
            return rest;
          });
          return store.outcomes.save(jobId, claims, { ...settlement, results }, data);
        },
      },
    }),
  },
  'a round that is reused': {
    store: (store) => ({
      ...store,
      outcomes: {
        save: async (jobId, claims, settlement, data) => {
          const results = settlement.results.map(
            ({ round: _, ...result }) => result as typeof result & { status: never },
          );
          return store.outcomes.save(jobId, claims, { ...settlement, results }, data);
        },
      },
    }),
  },
  'a list that is cut after its last allowed page': {
    answers: (send) => async (request) => {
      const answer = await send(request);
      const cursor = new URL(request.url).searchParams.get('cursor') ?? '';
      if (answer.statusCode !== 200 || !cursor.endsWith(`.${MAX_PAGES}`)) return answer;
      const { next: _, ...page } = JSON.parse(answer.body.toString()) as { next?: string };
      return { ...answer, body: Buffer.from(JSON.stringify(page)) };
    },
  },
  'a page that is skipped when it lacks its items': {
    answers: (send) => async (request) => {
      const answer = await send(request);
      if (answer.statusCode !== 200 || !new URL(request.url).hostname.startsWith(PAGED)) return answer;
      const page = JSON.parse(answer.body.toString()) as { items?: unknown[] };
      return { ...answer, body: Buffer.from(JSON.stringify({ items: [], ...page })) };
    },
  },
  'a list that ends where its pages repeat': {
    answers: (send) => async (request) => {
      const answer = await send(request);
      const cursor = new URL(request.url).searchParams.get('cursor');
      if (answer.statusCode !== 200 || cursor === null) return answer;
      const { next, ...page } = JSON.parse(answer.body.toString()) as { next?: string };
      return { ...answer, body: Buffer.from(JSON.stringify(next === cursor ? page : { ...page, next })) };
    },
  },
  'a ticket that is followed to another origin': {
    catalogue: (catalogue, job) => {
      const provider = catalogue.get(POLLED);
      const result = job?.results.find(({ providerId }) => providerId === POLLED);
      if (!provider || result?.status !== 'UNAVAILABLE' || !result.ticket) return catalogue;
      const { origin } = new URL(result.ticket.url);
      return new Map([...catalogue, [POLLED, { ...provider, url: `${origin}/{?account}` }]]);
    },
  },
  'NEVER_SETTLED by the count of claims alone': {
    store: (store) => ({
      ...store,
      due: {
        ...store.due,
        claim: async (...args) => {
          const job = await store.due.claim(...args);
          return job && job.claimsSinceOutcome > 20 ? { ...job, updatedAt: 0 } : job;
        },
      },
    }),
  },
} as const satisfies Record<string, Bug>;

export type PlantedBug = keyof typeof PLANTED_BUGS;

export const bugOf = (name: PlantedBug | undefined): Bug => (name === undefined ? {} : PLANTED_BUGS[name]);

import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import { ATTEMPT_LOG_LIMIT, type Job } from '@boomerang/core/domain/job.ts';
import { isSelected } from '@boomerang/core/domain/job-filter.ts';
import { toSummary } from '@boomerang/core/domain/job-summary.ts';
import { holdMs } from '@boomerang/core/domain/schedule.ts';
import { isExpired } from '@boomerang/core/domain/ttl.ts';
import type {
  DueJobs,
  IntakeRequest,
  JobControl,
  JobIntake,
  JobListQuery,
  JobOutcomes,
  JobReader,
  ProviderResultData,
  ResultKey,
  ResultStore,
} from '@boomerang/core/ports/jobs.ts';

export type JobStore = {
  intake: JobIntake;
  control: JobControl;
  due: DueJobs;
  outcomes: JobOutcomes;
  results: ResultStore;
  reader: JobReader;
};

export type StoredItem = ProviderResultData & { claims: number; expiresAt: number; digest: string };

export type FakeJobStore = JobStore & {
  jobs: Map<string, Job>;
  /** Stored results by job and provider. */
  stored: Map<string, Map<string, StoredItem>>;
  /** Deletes expired items, as DynamoDB eventually does. */
  deleteExpired: (now: number) => { jobId: string; providerId?: string }[];
};

/** The ports of the job table, in memory. Everything is in shard 0. */
export const createFakeJobStore = (): FakeJobStore => {
  const jobs = new Map<string, Job>();
  const requests = new Map<string, IntakeRequest>();
  const saved = new Map<string, Map<string, StoredItem>>();
  /** Results that ended jobs store inline. */
  const inline = new Map<string, ProviderResultData[]>();
  const copy = <T>(value: T): T => structuredClone(value);
  /** Parameters and metadata are stored as JSON. */
  const toStored = ({ parameters, metadata }: Job) =>
    JSON.parse(JSON.stringify({ parameters, metadata })) as Pick<Job, 'parameters' | 'metadata'>;
  /** @throws StaleClaim unless this claim holds the lease */
  const leasedJob = (jobId: string, claims: number): Job => {
    const job = jobs.get(jobId);
    if (job?.claims !== claims || job.leasedUntil === undefined) throw new StaleClaim('stale');
    return job;
  };
  const isPresent = (job: Job | undefined, now: number): job is Job => job !== undefined && !isExpired(job, now);

  const listKey = (job: Job) => `${new Date(job.createdAt).toISOString()}#${job.jobId}`;
  const page = ({ clientId, limit, after = '~', now, ...filter }: JobListQuery) => {
    const found = [...jobs.values()]
      .filter((job) => job.clientId === clientId && isSelected(job, filter) && listKey(job) < after)
      .sort((a, b) => (listKey(a) < listKey(b) ? 1 : -1));
    const selected = found.slice(0, limit);
    const last = selected.at(-1);
    return {
      jobs: selected.filter((job) => isPresent(job, now)).map(copy),
      ...(found.length > limit && last && { cursor: listKey(last) }),
    };
  };

  const hasDigest = (item: StoredItem | undefined, { digest }: ResultKey): item is StoredItem =>
    item !== undefined && (digest === undefined || item.digest === digest);

  return {
    jobs,
    stored: saved,
    deleteExpired: (now) => {
      const deleted: { jobId: string; providerId?: string }[] = [];
      for (const [jobId, results] of saved) {
        for (const [providerId, item] of results) {
          if (!isExpired(item, now)) continue;
          results.delete(providerId);
          deleted.push({ jobId, providerId });
        }
      }
      for (const [jobId, job] of jobs) {
        if (isPresent(job, now)) continue;
        jobs.delete(jobId);
        deleted.push({ jobId });
      }
      return deleted;
    },
    intake: {
      create: async (job, { requestId, requestHash }, now) => {
        const existing = jobs.get(job.jobId);
        if (isPresent(existing, now)) {
          const request = requests.get(job.jobId);
          return { isNew: request?.requestId === requestId, job: copy(existing), requestHash: request?.requestHash };
        }
        const created = { ...copy(job), ...toStored(job), claims: job.claims + (jobs.get(job.jobId)?.claims ?? 0) };
        jobs.set(job.jobId, created);
        requests.set(job.jobId, { requestId, requestHash });
        return { isNew: true, job: copy(created), requestHash };
      },
      find: async (jobId, now) => {
        const job = jobs.get(jobId);
        return isPresent(job, now) ? { job: copy(job), requestHash: requests.get(jobId)?.requestHash } : undefined;
      },
    },
    control: {
      release: async (jobId, claims, now) => {
        const { leasedUntil: _, ...job } = leasedJob(jobId, claims);
        jobs.set(jobId, { ...job, dueAt: now, heldSince: job.heldSince ?? job.updatedAt });
      },
      replace: async (read, next) => {
        const job = jobs.get(next.jobId);
        if (job?.claims !== read.claims || job.leasedUntil !== read.leasedUntil) throw new StaleClaim('stale');
        jobs.set(next.jobId, copy(next));
        inline.delete(next.jobId);
      },
    },
    due: {
      find: async function* (shard, now) {
        const due = [...jobs.values()].flatMap(({ jobId, claims, dueAt, leasedUntil }) => {
          if (shard !== 0 || dueAt === undefined || dueAt > now) return [];
          return [{ jobId, claims, dueAt, ...(leasedUntil !== undefined && { leasedUntil }) }];
        });
        yield due.sort((a, b) => a.dueAt - b.dueAt);
      },
      claim: async ({ jobId, claims, dueAt, leasedUntil }, now, leaseMs, pausedUntil = 0) => {
        const job = jobs.get(jobId);
        if (job?.claims !== claims || job.dueAt === undefined || job.dueAt > now) return undefined;
        const claimedAt = leasedUntil === undefined ? undefined : leasedUntil - leaseMs;
        const claimed = {
          ...job,
          claims: claims + 1,
          claimsSinceOutcome: job.claimsSinceOutcome + 1,
          leasedUntil: now + leaseMs,
          dueAt: now + holdMs(leaseMs, claimedAt === undefined ? undefined : dueAt - claimedAt),
          heldSince: job.heldSince ?? Math.min(now, claimedAt ?? Math.max(dueAt, pausedUntil)),
        };
        jobs.set(jobId, claimed);
        return copy(claimed);
      },
    },
    outcomes: {
      save: async (jobId, claims, { attempt, fetchAttempts, callbackAttempts, isInTrouble, ...rest }, data = []) => {
        const {
          leasedUntil: _leasedUntil,
          dueAt: _dueAt,
          heldSince: _heldSince,
          callbackDeferred: _callbackDeferred,
          isInTrouble: wasInTrouble,
          ...job
        } = leasedJob(jobId, claims);
        jobs.set(jobId, {
          ...job,
          ...copy(rest),
          ...(rest.status === 'PENDING' && (isInTrouble || wasInTrouble) && { isInTrouble: true }),
          claimsSinceOutcome: 0,
          fetchAttempts: job.fetchAttempts + fetchAttempts,
          callbackAttempts: job.callbackAttempts + callbackAttempts,
          attemptLog: [...job.attemptLog, ...(attempt ? [copy(attempt)] : [])].slice(-ATTEMPT_LOG_LIMIT),
        });
        if (data.length > 0) inline.set(jobId, copy(data));
      },
    },
    results: {
      save: async (jobId, claims, result, expiresAt) => {
        const items = saved.get(jobId) ?? new Map<string, StoredItem>();
        if ((items.get(result.providerId)?.claims ?? 0) > claims) throw new StaleClaim('stale');
        const digest = result.json.slice(0, 64);
        items.set(result.providerId, { ...result, claims, expiresAt, digest });
        saved.set(jobId, items);
        return { digest, chunks: 1, keptUntil: expiresAt };
      },
      renew: async (jobId, key, expiresAt) => {
        const item = saved.get(jobId)?.get(key.providerId);
        if (!item) return false;
        item.expiresAt = expiresAt;
        return true;
      },
      remove: async (jobId, claims, key) => {
        const item = saved.get(jobId)?.get(key.providerId);
        if (hasDigest(item, key) && item.claims === claims) saved.get(jobId)?.delete(key.providerId);
      },
      load: async (jobId) => {
        const job = jobs.get(jobId);
        const results = [...(saved.get(jobId)?.values() ?? [])].map(
          ({ claims: _claims, expiresAt: _expiresAt, digest: _digest, ...result }) => result,
        );
        const inlineResults = inline.get(jobId) ?? [];
        const all = new Map([...results, ...inlineResults].map((result) => [result.providerId, result]));
        return job && { job: copy(job), results: [...all.values()] };
      },
      expunge: async (jobId) => void saved.delete(jobId),
    },
    reader: {
      get: async (jobId, now) => {
        const job = jobs.get(jobId);
        return isPresent(job, now) ? copy(job) : undefined;
      },
      getWithData: async (jobId, now) => {
        const job = jobs.get(jobId);
        return isPresent(job, now) ? { job: copy(job), inline: copy(inline.get(jobId) ?? []) } : undefined;
      },
      list: async (query) => {
        const { jobs: found, ...next } = page(query);
        return { jobs: found.map(toSummary), ...next };
      },
      find: async (query) => {
        const { jobs: found, ...next } = page(query);
        const entries = found.map(({ jobId, status, createdAt, endedAt }) => ({
          jobId,
          status,
          createdAt,
          ...(endedAt !== undefined && { endedAt }),
        }));
        return { jobs: entries, ...next };
      },
    },
  };
};

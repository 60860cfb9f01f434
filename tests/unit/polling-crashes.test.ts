import { workedJobSchema } from '@boomerang/core/contracts/worked-job.ts';
import { type Job, toClaimedJob } from '@boomerang/core/domain/job.ts';
import type { HttpRequest, HttpResponse } from '@boomerang/core/ports/http.ts';
import { redriveJob } from '@boomerang/core/use-cases/redrive-job.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { settleJob } from '../../functions/job-settle/settle-job.ts';
import { fetchProvider } from '../../functions/provider-fetch/fetch-provider.ts';
import { aJob, aLog, aProvider, LEASE_MS, NOW, storeJob, unguarded } from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';

/** What happens to one execution. */
type Fault =
  | 'none'
  | 'crashes before the call'
  | 'crashes after the call'
  | 'crashes before it settles'
  | 'its settlement is lost'
  | 'settles twice'
  | 'is started twice in sequence'
  | 'is started twice concurrently'
  | 'is followed by a redrive';

/** How the provider responds in one execution. */
type Behaviour = 'done' | 'running' | '500' | 'unlisted status' | 'ticket lost' | 'failed';

const POLICY = { schedule: { stepsMs: [10_000, 60_000] as const }, patienceMs: 600_000, retentionMs: 60_000 };
const HOST = 'https://reports.example';

class Crashed extends Error {
  override name = 'Crashed';
}

/** A job with one provider, over executions that crash. The provider starts new work for each new idempotency key. */
const createWorld = async () => {
  const store = createFakeJobStore();
  const job = aJob({ jobId: '01a20b4c-cf47-716b-85d8-5343742576b8', providers: ['gas'] });
  await storeJob(store, job);
  let now = NOW;
  const works: string[] = [];
  /** Idempotency keys of work that the provider has lost. */
  const lostKeys = new Set<string>();
  const requests: { method: string; key: string | undefined; url: string; hasTicket: boolean }[] = [];
  let behaviour: Behaviour = 'done';
  let endedRounds = 0;

  const storedJob = () => store.jobs.get(job.jobId) as Job;
  const ticketOf = ({ results }: Job) => {
    const [result] = results;
    return result?.status === 'UNAVAILABLE' ? result.ticket : undefined;
  };
  const response = (statusCode: number, body: unknown, headers: Record<string, string> = {}): HttpResponse => ({
    statusCode,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(body)),
    durationMs: 1,
  });
  const respond = ({ method, url, headers = {} }: HttpRequest): HttpResponse => {
    const key = headers['idempotency-key'];
    requests.push({ method, key, url, hasTicket: ticketOf(storedJob()) !== undefined });
    if (behaviour === '500') return response(500, {});
    if (method === 'POST') {
      // Like a provider that repeats its first response for a repeated key.
      if (lostKeys.has(key ?? '')) return response(404, { lost: key });
      if (!works.includes(key ?? '')) works.push(key ?? '');
      return response(202, {}, { location: `/work/${works.indexOf(key ?? '')}` });
    }
    if (behaviour === 'ticket lost') {
      lostKeys.add(works[Number(url.split('/').at(-1))] ?? '');
      endedRounds += 1;
      return response(404, {});
    }
    const status = { done: 'DONE', running: 'RUNNING', 'unlisted status': 'ODD', failed: 'FAILED' }[behaviour];
    return response(200, { status, work: works[Number(url.split('/').at(-1))] });
  };

  const provider = aProvider({
    url: `${HOST}/reports`,
    method: 'POST',
    idempotencyHeader: 'idempotency-key',
    dataAt: '/work',
    polling: {
      statusUrl: 'location',
      statusAt: '/status',
      pending: ['RUNNING'],
      succeeded: ['DONE'],
      failed: ['FAILED'],
    },
  });
  const deps = {
    ...unguarded,
    ...store,
    jobs: store.reader,
    now: () => now,
    random: () => 0,
    log: aLog(),
    policy: POLICY,
    fetchDeadlineMs: 86_400_000,
    catalogue: new Map([['gas', provider]]),
    findSecret: async () => '',
  };

  const fetch = async (claimed: ReturnType<typeof toClaimedJob>, fault: Fault) => {
    const { jobId, claims, leasedUntil, round } = claimed;
    const send = async (request: HttpRequest): Promise<HttpResponse> => {
      if (fault === 'crashes before the call') throw new Crashed();
      const response = respond(request);
      if (fault === 'crashes after the call') throw new Crashed();
      return response;
    };
    const request = { jobId, claims, leasedUntil, providerId: 'gas', job: { round } };
    try {
      return await fetchProvider({ ...deps, send }, request);
    } catch (error) {
      if (error instanceof Crashed) throw error;
      const { name, message } = error as Error;
      const status = name === 'ProviderRefused' ? 'REFUSED' : 'UNAVAILABLE';
      const caught = { Error: name, Cause: JSON.stringify({ errorMessage: message }) };
      return { providerId: 'gas', status, error: caught };
    }
  };
  const settle = async (claimed: ReturnType<typeof toClaimedJob>, payload: unknown) =>
    settleJob(deps, { job: workedJobSchema.parse({ ...claimed, results: [payload] }) });

  return {
    works,
    requests,
    storedJob,
    ticket: () => ticketOf(storedJob()),
    endedRounds: () => endedRounds,
    /** One execution, at the time when the job is due. @returns whether the job was still fetching */
    run: async (fault: Fault, providerBehaviour: Behaviour): Promise<boolean> => {
      behaviour = providerBehaviour;
      const { jobId, claims, phase, dueAt } = storedJob();
      if (phase !== 'FETCHING' || dueAt === undefined) return false;
      now = Math.max(now, dueAt);
      const claimedJob = await store.due.claim({ jobId, claims, dueAt }, now, LEASE_MS);
      if (!claimedJob) throw new Error('The job is not due');
      const claimed = toClaimedJob(claimedJob, 'scheduled', now);
      try {
        const payloads = [await fetch(claimed, fault)];
        if (fault === 'is started twice concurrently') payloads.push(await fetch(claimed, 'none'));
        if (fault === 'crashes before it settles') return true;
        if (fault === 'its settlement is lost') return true;
        for (const payload of payloads) await settle(claimed, payload);
        if (fault === 'settles twice') await settle(claimed, payloads[0]);
        if (fault === 'is started twice in sequence') await settle(claimed, await fetch(claimed, 'none'));
        if (fault === 'is followed by a redrive') {
          const redriveDeps = { ...deps, startExecution: async () => {}, leaseMs: LEASE_MS };
          await redriveJob(redriveDeps, (await store.reader.getWithData(jobId, now)) as never);
          endedRounds += 1;
        }
      } catch (error) {
        if (!(error instanceof Crashed)) throw error;
      }
      return true;
    },
  };
};

const anyFault = fc.constantFrom<Fault>(
  'none',
  'none',
  'crashes before the call',
  'crashes after the call',
  'crashes before it settles',
  'its settlement is lost',
  'settles twice',
  'is started twice in sequence',
  'is started twice concurrently',
  'is followed by a redrive',
);
const anyBehaviour = fc.constantFrom<Behaviour>(
  'running',
  'running',
  'running',
  '500',
  'unlisted status',
  'ticket lost',
);

test('despite crashes, each round starts its work only once, polls it while its ticket is stored, and keeps its result', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(anyFault, anyBehaviour), { maxLength: 14 }), async (executions) => {
      const world = await createWorld();
      for (const [fault, behaviour] of executions) {
        const ticket = world.ticket();
        const requestCount = world.requests.length;
        await world.run(fault, behaviour);
        const newRequests = world.requests.slice(requestCount);
        // The first request polls a stored ticket. A second start after the settlement may send another, but changes nothing.
        if (ticket)
          for (const { method, url } of newRequests.slice(0, 1)) expect([method, url]).toEqual(['GET', ticket.url]);
        for (const { method, hasTicket } of newRequests) if (method === 'POST') expect(hasTicket).toBe(false);
        const isAbandoned = behaviour === 'ticket lost' || fault === 'is followed by a redrive';
        if (ticket && !isAbandoned) expect(world.ticket()?.url).toBe(ticket.url);
      }
      // The job recovers within four executions.
      for (let turn = 0; turn < 4; turn += 1) if (!(await world.run('none', 'done'))) break;
      expect(world.storedJob().results).toMatchObject([{ status: 'FETCHED' }]);
      const keys = world.requests.flatMap(({ key }) => key ?? []);
      expect(new Set(keys).size).toBeLessThanOrEqual(world.endedRounds() + 1);
      expect(world.requests.at(-1)?.url).toBe(`${HOST}/work/${world.works.length - 1}`);
    }),
    { numRuns: 300 },
  );
});

describe('a process that crashes', () => {
  test('after the provider accepted the request sends the same request again', async () => {
    const world = await createWorld();
    await world.run('crashes after the call', 'running');
    await world.run('crashes before it settles', 'running');
    await world.run('none', 'running');
    expect(world.requests.map(({ key }) => key?.replace(/^.*:gas/, 'gas'))).toEqual(['gas:0', 'gas:0', 'gas:0']);
    expect(world.works).toHaveLength(1);
    expect(world.ticket()?.url).toBe(`${HOST}/work/0`);
  });

  test('after its ticket is saved is followed by a poll, never by a repeated request', async () => {
    const world = await createWorld();
    await world.run('none', 'running');
    for (const fault of ['crashes before the call', 'crashes after the call', 'its settlement is lost'] as const)
      await world.run(fault, 'running');
    await world.run('none', 'done');
    expect(world.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
    expect(world.storedJob().results).toMatchObject([{ status: 'FETCHED' }]);
  });
});

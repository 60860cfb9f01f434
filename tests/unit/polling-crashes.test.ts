import { workedJobSchema } from '@boomerang/core/contracts/worked-job.ts';
import { type Job, toClaimedJob } from '@boomerang/core/domain/job.ts';
import type { HttpAnswer, HttpRequest } from '@boomerang/core/ports/http.ts';
import { redriveJob } from '@boomerang/core/use-cases/redrive-job.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { settleJob } from '../../functions/job-settle/settle-job.ts';
import { fetchProvider } from '../../functions/provider-fetch/fetch-provider.ts';
import { aJob, aLog, aProvider, givenJob, LEASE_MS, NOW, unguarded } from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';

/** What happens to one execution. */
type Fault =
  | 'fine'
  | 'dies before the call'
  | 'dies after the call'
  | 'dies before it settles'
  | 'settling is lost'
  | 'settles twice'
  | 'is started twice, one after the other'
  | 'is started twice, at once'
  | 'is redriven afterwards';

/** How the provider answers in one execution. */
type Behaviour = 'fine' | 'works' | '500' | 'broken' | 'has lost it' | 'has failed';

const POLICY = { schedule: { stepsMs: [10_000, 60_000] as const }, patienceMs: 600_000, retentionMs: 60_000 };
const HOST = 'https://reports.example';

class Crashed extends Error {
  override name = 'Crashed';
}

/** A job with one provider, over executions that crash. The provider does each work once per idempotency value. */
const createWorld = async () => {
  const store = createFakeJobStore();
  const job = aJob({ jobId: '01a20b4c-cf47-716b-85d8-5343742576b8', providers: ['gas'] });
  await givenJob(store, job);
  let now = NOW;
  const works: string[] = [];
  /** Idempotency values of work that the provider has lost. */
  const lost = new Set<string>();
  const requests: { method: string; value: string | undefined; url: string; hasTicket: boolean }[] = [];
  let behaviour: Behaviour = 'fine';
  let ends = 0;

  const stored = () => store.jobs.get(job.jobId) as Job;
  const ticketOf = (one: Job) => {
    const [result] = one.results;
    return result?.status === 'UNAVAILABLE' ? result.ticket : undefined;
  };
  const answer = (statusCode: number, body: unknown, headers: Record<string, string> = {}): HttpAnswer => ({
    statusCode,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(body)),
    durationMs: 1,
  });
  const provide = ({ method, url, headers = {} }: HttpRequest): HttpAnswer => {
    const value = headers['idempotency-key'];
    requests.push({ method, value, url, hasTicket: ticketOf(stored()) !== undefined });
    if (behaviour === '500') return answer(500, {});
    if (method === 'POST') {
      // A repeated value would get the answer of the lost work.
      if (lost.has(value ?? '')) return answer(404, { lost: value });
      if (!works.includes(value ?? '')) works.push(value ?? '');
      return answer(202, {}, { location: `/work/${works.indexOf(value ?? '')}` });
    }
    if (behaviour === 'has lost it') {
      lost.add(works[Number(url.split('/').at(-1))] ?? '');
      ends += 1;
      return answer(404, {});
    }
    const status = { fine: 'DONE', works: 'RUNNING', broken: 'ODD', 'has failed': 'FAILED' }[behaviour];
    return answer(200, { status, work: works[Number(url.split('/').at(-1))] });
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
    const send = async (request: HttpRequest): Promise<HttpAnswer> => {
      if (fault === 'dies before the call') throw new Crashed();
      const answered = provide(request);
      if (fault === 'dies after the call') throw new Crashed();
      return answered;
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
    stored,
    ticket: () => ticketOf(stored()),
    ends: () => ends,
    /** One execution, at the time when the job is due. @returns whether the job goes on */
    run: async (fault: Fault, as: Behaviour): Promise<boolean> => {
      behaviour = as;
      const before = stored();
      if (before.phase !== 'FETCHING' || before.dueAt === undefined) return false;
      now = Math.max(now, before.dueAt);
      const { jobId, claims, dueAt } = before;
      const taken = await store.due.claim({ jobId, claims, dueAt }, now, LEASE_MS);
      if (!taken) throw new Error('it was not due');
      const claimed = toClaimedJob(taken, 'scheduled', now);
      try {
        const payloads = [await fetch(claimed, fault)];
        if (fault === 'is started twice, at once') payloads.push(await fetch(claimed, 'fine'));
        if (fault === 'dies before it settles') return true;
        if (fault === 'settling is lost') return true;
        for (const payload of payloads) await settle(claimed, payload);
        if (fault === 'settles twice') await settle(claimed, payloads[0]);
        if (fault === 'is started twice, one after the other') await settle(claimed, await fetch(claimed, 'fine'));
        if (fault === 'is redriven afterwards') {
          const all = { ...deps, startExecution: async () => {}, leaseMs: LEASE_MS };
          await redriveJob(all, (await store.reader.getWithData(jobId, now)) as never);
          ends += 1;
        }
      } catch (error) {
        if (!(error instanceof Crashed)) throw error;
      }
      return true;
    },
  };
};

const fault = fc.constantFrom<Fault>(
  'fine',
  'fine',
  'dies before the call',
  'dies after the call',
  'dies before it settles',
  'settling is lost',
  'settles twice',
  'is started twice, one after the other',
  'is started twice, at once',
  'is redriven afterwards',
);
const behaviour = fc.constantFrom<Behaviour>('works', 'works', 'works', '500', 'broken', 'has lost it');

test('work is started once a round, polled while its ticket is held, and its own result is kept, whichever executions crash', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fault, behaviour), { maxLength: 14 }), async (executions) => {
      const world = await createWorld();
      for (const [how, as] of executions) {
        const held = world.ticket();
        const asked = world.requests.length;
        await world.run(how, as);
        const sent = world.requests.slice(asked);
        // A held ticket is polled, except by an execution that starts again after it was settled and changes nothing.
        if (held) for (const { method, url } of sent.slice(0, 1)) expect([method, url]).toEqual(['GET', held.url]);
        for (const { method, hasTicket } of sent) if (method === 'POST') expect(hasTicket).toBe(false);
        const isAbandoned = as === 'has lost it' || how === 'is redriven afterwards';
        if (held && !isAbandoned) expect(world.ticket()?.url).toBe(held.url);
      }
      // The job recovers: two executions start the work and poll for it, unless it was polled already.
      for (let turn = 0; turn < 4; turn += 1) if (!(await world.run('fine', 'fine'))) break;
      expect(world.stored().results).toMatchObject([{ status: 'FETCHED' }]);
      const values = world.requests.flatMap(({ value }) => value ?? []);
      expect(new Set(values).size).toBeLessThanOrEqual(world.ends() + 1);
      expect(world.requests.at(-1)?.url).toBe(`${HOST}/work/${world.works.length - 1}`);
    }),
    { numRuns: 300 },
  );
});

describe('a process that crashes', () => {
  test('after the provider accepted the request sends the same request again', async () => {
    const world = await createWorld();
    await world.run('dies after the call', 'works');
    await world.run('dies before it settles', 'works');
    await world.run('fine', 'works');
    expect(world.requests.map(({ value }) => value?.replace(/^.*:gas/, 'gas'))).toEqual(['gas:0', 'gas:0', 'gas:0']);
    expect(world.works).toHaveLength(1);
    expect(world.ticket()?.url).toBe(`${HOST}/work/0`);
  });

  test('after its ticket was saved is followed by a poll, never by a repeated request', async () => {
    const world = await createWorld();
    await world.run('fine', 'works');
    for (const how of ['dies before the call', 'dies after the call', 'settling is lost'] as const)
      await world.run(how, 'works');
    await world.run('fine', 'fine');
    expect(world.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
    expect(world.stored().results).toMatchObject([{ status: 'FETCHED' }]);
  });
});

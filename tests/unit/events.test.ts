import './function-environment.ts';
import { readdirSync, readFileSync } from 'node:fs';
import { parseAddressExceptions } from '@boomerang/core/domain/address-rules.ts';
import { parseCatalogue } from '@boomerang/core/domain/catalogue.ts';
import type { HttpAnswer, SendHttp } from '@boomerang/core/ports/http.ts';
import { expect, test } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { aJob, aLog, CLIENT_ID, findClient, givenJob, LEASE_MS, NOW, unguarded } from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';
import { createFakeRedrives } from '../fakes/redrives.ts';

const JOB_ID = '01a20b4c-cf47-716b-85d8-5343742576b8';
const policy = { schedule: { stepsMs: [30_000] as const }, patienceMs: 600_000, retentionMs: 3_600_000 };

/** A world for one event: a stored job, third parties that answer, and every function over it. */
const createWorld = async () => {
  const store = createFakeJobStore();
  await givenJob(store, aJob({ jobId: JOB_ID }));
  const answer: HttpAnswer = {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from('[]'),
    durationMs: 1,
  };
  const send: SendHttp = async () => answer;
  const authenticate = async () => ({ clientId: CLIENT_ID, name: 'test' });
  const common = {
    ...unguarded,
    authenticate,
    findClient,
    findSecret: async () => undefined,
    log: aLog(),
    now: () => NOW,
    random: () => 0,
    send,
    policy,
    leaseMs: LEASE_MS,
    resultLifeMs: 1,
  };
  const load = async (name: string, deps: object) => {
    const { createHandler } = (await import(`../../functions/${name}/handler.ts`)) as {
      createHandler: (deps: object) => (event: unknown, context: Context) => Promise<unknown>;
    };
    return createHandler({ ...common, ...deps });
  };
  const url = 'https://example.com';
  const catalogue = parseCatalogue(
    JSON.stringify({
      providers: [
        { id: 'gas', url },
        { id: 'internet', url },
      ],
    }),
    {},
  );
  const deps: Record<string, object> = {
    webhook: {
      intake: store.intake,
      control: store.control,
      startExecution: async () => {},
      newId: () => '01a20b4c-cf47-716b-85d8-000000000001',
      knownProviders: new Set(catalogue.keys()),
      callbackRules: { allowHttp: false, exceptions: parseAddressExceptions('none') },
      fetchDeadlineMs: 1,
    },
    complete: {},
    health: {},
    'api-docs': {},
    'route-fallback': {},
    'job-read': { jobs: store.reader, results: store.results },
    'job-redrive': {
      ...store,
      now: () => NOW + LEASE_MS,
      startExecution: async () => {},
      fetchDeadlineMs: 1,
    },
    redrives: {
      jobs: store.reader,
      redrives: createFakeRedrives(),
      startSweep: async () => {},
      newId: () => '01a20b4c-cf47-716b-85d8-0000000000aa',
    },
    'redrive-run': { ...store, jobs: store.reader, redrives: createFakeRedrives(), fetchDeadlineMs: 1, retentionMs: 1 },
    'job-cancel': { jobs: store.reader, control: store.control, retentionMs: 1_000 },
    'job-expunge': { jobs: store.reader, control: store.control, results: store.results },
    providers: { failureRate: 0, latencyMs: 0, maintenance: undefined, sleep: async () => {} },
    'provider-fetch': { catalogue, results: store.results },
    'callback-deliver': { results: store.results, outcomes: store.outcomes, userAgent: 'test' },
    'job-claim': {
      due: store.due,
      outcomes: store.outcomes,
      now: () => NOW + LEASE_MS,
      shardCount: 1,
      maxJobsPerSweep: 10,
    },
    'job-settle': { jobs: store.reader, results: store.results, outcomes: store.outcomes },
  };
  return {
    store,
    invoke: async (name: string, event: unknown) => (await load(name, deps[name] ?? {}))(event, {} as Context),
  };
};

type World = Awaited<ReturnType<typeof createWorld>>;
type Expectation = (result: Promise<unknown>, world: World) => Promise<void>;

const answers =
  (statusCode: number): Expectation =>
  async (result) =>
    void expect(await result).toMatchObject({ statusCode });
const throws =
  (name: string): Expectation =>
  async (result) =>
    expect(result).rejects.toMatchObject({ name });
const leaves =
  (job: object): Expectation =>
  async (result, { store }) => {
    expect(await result).toEqual({});
    expect(store.jobs.get(JOB_ID)).toMatchObject(job);
  };

const expectations: Record<string, Expectation> = {
  'webhook/accepted': answers(202),
  'webhook/unknown-provider': answers(422),
  'webhook/not-json': answers(400),
  'complete/received': answers(200),
  'complete/with-more-properties': answers(422),
  'health/ok': answers(200),
  'api-docs/openapi': answers(200),
  'api-docs/docs': answers(200),
  'job-read/one': answers(200),
  'job-read/unknown': answers(404),
  'job-read/list': answers(200),
  'job-read/data': answers(200),
  'job-redrive/waiting': answers(202),
  'redrives/dry-run': answers(200),
  'redrives/all-failed': answers(202),
  'redrives/one': answers(404),
  'redrive-run/sweep': async (result) => void expect(await result).toEqual({}),
  'job-cancel/pending': answers(202),
  'job-expunge/pending': answers(409),
  'providers/list': answers(200),
  'providers/gas': answers(200),
  'providers/unknown': answers(404),
  'route-fallback/unknown-route': answers(404),
  'route-fallback/wrong-method': answers(405),
  'provider-fetch/gas': async (result) =>
    void expect(await result).toMatchObject({ providerId: 'gas', status: 'FETCHED', json: '[]', bytes: 2 }),
  'provider-fetch/left-the-catalogue': throws('ProviderRefused'),
  'provider-fetch/lease-run-out': throws('LeaseLost'),
  // What an execution of the version before hands over, that was under way during a deployment.
  'callback-deliver/of-version-1': leaves({ status: 'COMPLETE', unsettled: 0 }),
  'job-settle/of-version-1': leaves({ status: 'PENDING', phase: 'FETCHING', dueAt: NOW + 30_000 }),
  'callback-deliver/all-fetched': leaves({ status: 'COMPLETE', unsettled: 0 }),
  'callback-deliver/final-with-one-missing': leaves({ status: 'PARTIAL' }),
  'callback-deliver/lease-run-out': throws('LeaseLost'),
  'job-claim/first-pass': async (result) =>
    void expect(await result).toMatchObject({ batches: [[{ jobId: JOB_ID, claims: 2 }]], more: false, claimed: 1 }),
  'job-settle/provider-unavailable': leaves({ status: 'PENDING', phase: 'FETCHING', dueAt: NOW + 30_000 }),
  'job-settle/callback-failed': leaves({ status: 'PENDING', phase: 'CALLING_BACK', callbackAttempts: 1 }),
  'job-settle/end-not-saved': leaves({ status: 'COMPLETE' }),
};

const functions = readdirSync('functions');
const fixtures = functions.flatMap((name) =>
  readdirSync(`events/${name}`).map((file) => `${name}/${file.replace('.json', '')}`),
);

test('every fixture has an expectation, and every function a fixture', () => {
  expect(Object.keys(expectations).sort()).toEqual([...fixtures].sort());
  expect(readdirSync('events').sort()).toEqual(functions.sort());
});

test.each(Object.entries(expectations))('%s comes out as it should', async (fixture, expectation) => {
  const world = await createWorld();
  const event: unknown = JSON.parse(readFileSync(`events/${fixture}.json`, 'utf8'));
  await expectation(world.invoke(fixture.split('/')[0] as string, event), world);
});

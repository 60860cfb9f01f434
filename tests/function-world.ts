import './unit/function-environment.ts';
import { parseAddressExceptions } from '@boomerang/core/domain/address-rules.ts';
import { parseCatalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import type { HttpResponse, SendHttp } from '@boomerang/core/ports/http.ts';
import type { Context } from 'aws-lambda';
import { createCheckHealth } from '../functions/health/check-health.ts';
import { aJob, aLog, CLIENT_ID, findClient, LEASE_MS, NOW, storeJob, unguarded } from './builders.ts';
import { FIXTURE_JOB_ID } from './event-expectations.ts';
import { createFakeJobStore } from './fakes/job-store.ts';
import { createFakeRedrives } from './fakes/redrives.ts';
import { FUNCTION_SETTINGS } from './function-settings.ts';

const policy = { schedule: { stepsMs: [30_000] as const }, patienceMs: 600_000, retentionMs: 3_600_000 };

/**
 * Everything that one event needs: a stored job, third parties that respond, and every function.
 * @param change replaces dependencies of all functions
 */
export const createWorld = async (change: { log?: ReturnType<typeof aLog>; [name: string]: unknown } = {}) => {
  const { log = aLog() } = change;
  const store = createFakeJobStore();
  await storeJob(store, aJob({ jobId: FIXTURE_JOB_ID }));
  const response: HttpResponse = {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from('[]'),
    durationMs: 1,
  };
  const send: SendHttp = async () => response;
  const authenticate = async () => ({ clientId: CLIENT_ID, name: 'test' });
  const common = {
    ...unguarded,
    authenticate,
    findClient,
    findSecret: async () => undefined,
    log,
    now: () => NOW,
    random: () => 0,
    send,
    policy,
    leaseMs: LEASE_MS,
    fetchDeadlineMs: 86_400_000,
  };
  const load = async (name: string, deps: object) => {
    const { createHandler } = (await import(`../functions/${name}/handler.ts`)) as {
      createHandler: (deps: object) => (event: unknown, context: Context) => Promise<unknown>;
    };
    return createHandler({ ...common, ...deps, ...change });
  };
  const url = 'https://example.com';
  const catalogue = parseCatalogue(
    JSON.stringify({
      providers: [
        {
          id: 'gas',
          url,
          parameters: { type: 'object', properties: { account: { type: 'string', writeOnly: true } } },
        },
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
      limitClient: async () => {},
      catalogue,
      callbackRules: { allowHttp: false, exceptions: parseAddressExceptions('none') },
      fetchDeadlineMs: 1,
    },
    complete: { isEnabled: true },
    health: { checkHealth: createCheckHealth({ ...common, lastSweep: async () => undefined }) },
    'catalogue-read': { catalogue, readCircuits: async () => () => ({ circuit: 'closed' }) },
    clients: { listClients: async () => [], countPending: async () => ({ pendingJobs: 0, isTruncated: false }) },
    'api-docs': { catalogue },
    console: {},
    'route-fallback': { isDisabled: () => false },
    'job-read': { jobs: store.reader, results: store.results, catalogue },
    'job-redrive': {
      ...store,
      jobs: store.reader,
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
    providers: {
      failureRate: 0,
      latencyMs: 0,
      maintenance: undefined,
      sleep: async () => {},
      clientSecret: FUNCTION_SETTINGS.REPORTS_CLIENT_SECRET,
    },
    'provider-fetch': { catalogue, results: store.results, jobs: store.reader },
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
    invoke: async (name: string, event: unknown) => {
      if (!deps[name])
        throw new Error(`tests/function-world.ts: add the dependencies of ${name} to deps in createWorld.`);
      const result = await (await load(name, deps[name]))(event, {} as Context);
      if ((result as { statusCode?: number } | undefined)?.statusCode === 500) {
        const cause = (log.lines.at(-1)?.data as { error?: unknown } | undefined)?.error;
        throw new Error(`${name} answers 500. If it lacks a dependency, add it to deps in tests/function-world.ts.`, {
          cause,
        });
      }
      return result;
    },
  };
};

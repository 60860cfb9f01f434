import '../unit/function-environment.ts';
import type { ClaimedJob } from '@boomerang/core/contracts/claimed-job.ts';
import type { Call, Job } from '@boomerang/core/domain/job.ts';
import { type Random, seededRandom } from '@boomerang/core/domain/random.ts';
import type { Settlement, SettlePolicy } from '@boomerang/core/domain/settle.ts';
import type { DueEntry } from '@boomerang/core/ports/jobs.ts';
import { type CircuitBreaker, createCircuitBreaker } from '@boomerang/core/use-cases/circuit-breaker.ts';
import { StateMachine } from 'aws-local-stepfunctions';
import { createHandler as createDeliver } from '../../functions/callback-deliver/handler.ts';
import { createHandler as createCancel } from '../../functions/job-cancel/handler.ts';
import { createHandler as createClaim } from '../../functions/job-claim/handler.ts';
import { createHandler as createRedrive } from '../../functions/job-redrive/handler.ts';
import { createHandler as createSettle } from '../../functions/job-settle/handler.ts';
import { createHandler as createFetch } from '../../functions/provider-fetch/handler.ts';
import { createCallLimiter, type LimitCalls } from '../../functions/provider-fetch/limit-calls.ts';
import { createHandler as createRunRedrives } from '../../functions/redrive-run/handler.ts';
import { createHandler as createRequestRedrive } from '../../functions/redrives/handler.ts';
import { createHandler as createWebhook } from '../../functions/webhook/handler.ts';
import { createRetryCounter, parseDefinition } from '../../local/retry-count.ts';
import { CLIENT_ID, findClient, withoutNotifications } from '../builders.ts';
import { createFakeJobStore, type JobStore } from '../fakes/job-store.ts';
import { createFakeRedrives } from '../fakes/redrives.ts';
import { createFakeCircuits, createFakeLimits } from '../fakes/third-parties.ts';
import { definitionText, readDefinition, statesOf, TASKS } from '../state-machine/definition.ts';
import {
  CATALOGUES,
  type CatalogueName,
  cataloguesIn,
  drawDeployments,
  POLLED,
  PROVIDERS,
  parameterIn,
  secretOf,
} from './catalogues.ts';
import { createClock } from './clock.ts';
import { createFaults } from './faults.ts';
import { createHistory, type Excuse, type History, type Polled } from './history.ts';
import { PAGED } from './paged-provider.ts';
import { bugOf, type PlantedBug } from './planted-bugs.ts';
import { createThirdParties } from './third-parties.ts';

type Json = Parameters<StateMachine['run']>[0];
type Handler = (event: never, context: never) => Promise<unknown>;

export const START = 1_800_000_000_000;
const MINUTE = 60_000;
/** The duration of faults, and of the calm after them in which all jobs must end. */
const TROUBLE_MS = 90 * MINUTE;
const CALM_MS = 240 * MINUTE;
/** The minimum poll interval of deployed stages. */
export const MIN_POLL_MS = 30_000;
export const SCHEDULE_MS = [30_000, 120_000, 600_000] as const;

const policy: SettlePolicy = {
  schedule: { stepsMs: SCHEDULE_MS },
  patienceMs: 60 * MINUTE,
  retentionMs: 30 * 24 * 60 * MINUTE,
};
const settings = {
  policy,
  leaseMs: 360_000,
  retentionMs: policy.retentionMs,
};
const rules = { windowMs: MINUTE, minCalls: 5, failureRate: 0.8, openMs: MINUTE };
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The Tasks that invoke a function. */
const SIMULATED = ['RunRedrives', 'ClaimDueJobs', 'FetchProvider', 'DeliverCallback', 'SettleJob'] as const;
type Task = (typeof SIMULATED)[number];

const missing = TASKS.filter((name) => name !== 'StartBatch' && !SIMULATED.includes(name as Task));
if (missing.length > 0)
  throw new Error(
    `tests/simulation/world.ts: add ${missing.join(', ')} to SIMULATED and to the handlers of handlerOf.`,
  );

/** An invocation of a function. Once dead, it makes no further step. */
type Invocation = { jobId: string | undefined; epoch: number; stepsLeft: number; process: Process };

/** A process of a function: handles one call at a time, with its own clock and its own circuit state. */
type Process = {
  epoch: number;
  /** The catalogue with which it was deployed. */
  catalogueName: CatalogueName;
  callsLeft: number;
  isBusy: boolean;
  now: () => number;
  breaker: CircuitBreaker;
  limitCalls: LimitCalls;
};

/** Creates a new promise each time: a shared one would keep all its waiters in memory. */
const never = () => new Promise<never>(() => {});
const namedError = (name: string, message = 'from AWS'): Error => Object.assign(new Error(message), { name });
const machine = new StateMachine(parseDefinition(definitionText), {
  validationOptions: { checkArn: false },
});

/** The TimeoutSeconds of each task, in milliseconds. */
const TIMEOUTS_MS = Object.fromEntries(
  statesOf(readDefinition()).map(([name, { TimeoutSeconds = 0 }]) => [name, TimeoutSeconds * 1000]),
);

/** The job of a task; undefined for a task of many jobs. */
const jobIdOf = (payload: { jobId?: string; job?: { jobId: string } }): string | undefined =>
  payload.jobId ?? payload.job?.jobId;

/** The share of jobs that request a provider. The other providers have a larger share. */
const REQUEST_SHARES: Readonly<Record<string, number>> = { [POLLED]: 0.1, [PAGED]: 0.15 };

/** Draws the parameters and metadata of a job, which contain its number, or none. */
const drawInput = (random: Random, number: number, catalogueName: CatalogueName) => ({
  withParameters: (id: string): string | object =>
    random() < 0.5 ? id : { id, parameters: { [parameterIn(catalogueName, id) ?? 'account']: `${id}-${number}` } },
  ...(random() < 0.5 && { metadata: { order: `order-${number}` } }),
});

/** The result of a simulation. */
export type Simulation = { history: History; jobs: Map<string, Job>; fetchDeadlineMs: number };

/** Simulates one seed: hours of faults, then hours of calm. */
export const simulate = async (seed: number, bug?: PlantedBug): Promise<Simulation> => {
  const randomOf = (purpose: number) => seededRandom(seed * 16 + purpose);
  const clock = createClock(START);
  const { now } = clock;
  const history = createHistory(now);
  const faults = createFaults(randomOf(1), now);
  const parties = createThirdParties(clock, faults, randomOf(2), history);
  const [actions, jitter, inputs, rollout] = [randomOf(3), randomOf(4), randomOf(5), randomOf(6)];
  const deployments = drawDeployments(rollout, START);
  const isMoving = deployments.some(({ catalogueName }) => catalogueName === 'polling moved');
  // Jobs that do not fit the catalogue are refused after an hour, so the fetch deadline must be longer.
  const fetchDeadlineMs = (deployments.length > 0 && !isMoving ? 100 : 30) * MINUTE;
  /** The catalogue of a process that starts now. */
  const drawCatalogue = (): CatalogueName => {
    const all = cataloguesIn(deployments, now());
    return all[Math.floor(rollout() * all.length)] ?? 'as it was';
  };
  let posts = 0;
  const fake = createFakeJobStore();
  const { jobs } = fake;
  const { all: allRedrives, ...redrives } = createFakeRedrives();
  const planted = bugOf(bug);
  const { answers: alterSend = (send) => send, catalogue: alterCatalogue = (catalogue) => catalogue } = planted;
  const alterClaimed = planted.claimed ?? ((job: ClaimedJob) => job);
  const recordedStore = recordChanges(fake, jobs, history);
  const store = planted.store ? planted.store(recordedStore, jobs) : recordedStore;
  /** The number of crashes so far. Invocations and processes of an earlier epoch are dead. */
  let epoch = 0;
  let id = 0;

  const recordFault = (invocation: Invocation, description: string, excuse?: Excuse) =>
    history.add({ kind: 'fault', jobId: invocation.jobId, description, excuse });

  const isDead = (invocation: Invocation) => invocation.epoch !== epoch || invocation.stepsLeft <= 0;
  /** A step of an invocation; never resolves for a dead one. */
  const step = async (invocation: Invocation): Promise<void> => {
    if (isDead(invocation)) await never();
    invocation.stepsLeft -= 1;
    if (invocation.stepsLeft === 0) recordFault(invocation, 'killed', 'killed');
    if (invocation.stepsLeft <= 0) await never();
  };

  /** Makes calls to the ports of circuits and limits fail at random, which their callers tolerate. */
  const withFaults = <Port extends Record<string, unknown>>(port: Port): Port =>
    Object.fromEntries(
      Object.entries(port).map(([name, call]) => [
        name,
        async (...args: unknown[]) => {
          const { kind, delayMs } = faults.call();
          await clock.sleep(Math.min(delayMs, 5_000));
          if (faults.isOut('table') || kind === 'fails before') throw namedError('InternalServerError');
          return (call as (...args: unknown[]) => Promise<unknown>)(...args);
        },
      ]),
    ) as Port;
  const { all: _, ...circuits } = createFakeCircuits();
  const [sharedCircuits, sharedLimits] = [withFaults(circuits), withFaults(createFakeLimits())];

  const createProcess = (): Process => {
    const skewMs = faults.skewMs();
    const clockOfProcess = { now: () => now() + skewMs, random: jitter, log: silent };
    return {
      epoch,
      catalogueName: drawCatalogue(),
      callsLeft: faults.callsPerInstance,
      isBusy: false,
      now: clockOfProcess.now,
      breaker: createCircuitBreaker({ ...clockOfProcess, circuits: sharedCircuits, rules, announce: async () => {} }),
      limitCalls: createCallLimiter({ ...clockOfProcess, limits: sharedLimits, sleep: clock.sleep }),
    };
  };
  const processes = new Map<string, Process[]>();
  /** Finds an idle process of a function, or creates one, as Lambda does. */
  const acquireProcess = (name: string): Process => {
    const current = cataloguesIn(deployments, now());
    const isAlive = (one: Process) => one.epoch === epoch && one.callsLeft > 0 && current.includes(one.catalogueName);
    const alive = (processes.get(name) ?? []).filter(isAlive);
    const process = alive.find(({ isBusy }) => !isBusy) ?? createProcess();
    processes.set(name, alive.includes(process) ? alive : [...alive, process]);
    process.callsLeft -= 1;
    process.isBusy = true;
    return process;
  };

  /** Exposes a call to the table or to AWS to network faults. */
  const remote =
    <Args extends unknown[], Result>(invocation: Invocation, name: string, call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      await step(invocation);
      const { kind, delayMs } = faults.call();
      if (delayMs > 1_000) recordFault(invocation, `${name}: takes ${Math.round(delayMs)} ms`);
      await clock.sleep(delayMs);
      await step(invocation);
      if (faults.isOut('table') && !name.startsWith('Start')) throw namedError('InternalServerError');
      if (kind === 'fails before') {
        recordFault(invocation, `${name}: failed`, name === 'results.save' ? 'not kept' : undefined);
        throw namedError('InternalServerError');
      }
      let result = await call(...args);
      if (kind === 'twice') {
        recordFault(invocation, `${name}: done twice`, name.startsWith('Start') ? 'restarted' : undefined);
        result = await call(...args);
      }
      await step(invocation);
      if (kind !== 'response lost') return result;
      recordFault(invocation, `${name}: response lost`, 'response lost');
      throw namedError('TimeoutError');
    };
  const remotePort = <Port extends Record<string, unknown>>(invocation: Invocation, name: string, port: Port): Port =>
    Object.fromEntries(
      Object.entries(port).map(([key, call]) => [
        key,
        remote(invocation, `${name}.${key}`, call as () => Promise<unknown>),
      ]),
    ) as Port;

  const portsOf = (invocation: Invocation) => ({
    ...settings,
    ...withoutNotifications,
    fetchDeadlineMs,
    catalogue: CATALOGUES[invocation.process.catalogueName],
    now: invocation.process.now,
    random: jitter,
    log: silent,
    authenticate: async () => ({ clientId: CLIENT_ID, name: 'simulated' }),
    findClient: remote(invocation, 'clients.find', findClient),
    intake: remotePort(invocation, 'intake', store.intake),
    control: remotePort(invocation, 'control', store.control),
    outcomes: remotePort(invocation, 'outcomes', store.outcomes),
    results: remotePort(invocation, 'results', store.results),
    reader: remotePort(invocation, 'reader', store.reader),
    redrives: remotePort(invocation, 'redrives', redrives),
    due: {
      claim: remote(invocation, 'due.claim', store.due.claim),
      find: async function* (shard: number, at: number) {
        const pages: DueEntry[][] = [];
        await remote(invocation, 'due.find', async () => {
          for await (const page of store.due.find(shard, at)) pages.push(page);
        })();
        yield* pages;
      },
    } satisfies JobStore['due'],
    startExecution: remote(invocation, 'StartExecution', async (claimed: ClaimedJob[]) => start({ jobs: claimed })),
    startSweep: remote(invocation, 'StartExecution', async () => start({})),
    newId: () => {
      id += 1;
      return `01a20b4c-cf47-716b-85d8-${id.toString(16).padStart(12, '0')}`;
    },
  });

  /** The real handlers with failing ports. */
  const handlerOf = (
    name: Task,
    invocation: Invocation,
    payload: { jobId?: string; claims?: number; providerId?: string },
  ) => {
    const ports = portsOf(invocation);
    const { breaker, limitCalls } = invocation.process;
    const guard = { breaker, isPaused: false, limitCalls };
    const { claims = 0, providerId = '' } = payload;
    const jobId = jobIdOf(payload) ?? '';
    const handlers: Record<Task, () => Handler> = {
      RunRedrives: () => createRunRedrives({ ...ports, jobs: ports.reader }),
      ClaimDueJobs: () =>
        createClaim({
          ...ports,
          lastPause: async () => undefined,
          isPaused: false,
          shardCount: 1,
          maxJobsPerSweep: 1_000,
        }),
      FetchProvider: () =>
        createFetch({
          ...ports,
          jobs: ports.reader,
          policy,
          ...guard,
          minPollMs: MIN_POLL_MS,
          catalogue: alterCatalogue(ports.catalogue, jobs.get(jobId)),
          findSecret: async (name) => secretOf(name),
          send: alterSend(async (request) => {
            await step(invocation);
            const response = await parties.provider(
              request,
              { jobId, claims, providerId },
              invocation.process.catalogueName,
            );
            await step(invocation);
            return response;
          }),
        }),
      DeliverCallback: () =>
        createDeliver({
          ...ports,
          ...guard,
          userAgent: 'Boomerang',
          send: async (request) => {
            await step(invocation);
            const response = await parties.receiver(request, jobId);
            await step(invocation);
            return response;
          },
        }),
      SettleJob: () => createSettle({ ...ports, jobs: ports.reader }) as Handler,
    };
    return handlers[name]();
  };

  /** Simulates Lambda: errors pass through, and a dead process becomes Lambda.Unknown. */
  const invoke = async (name: Task, payload: never): Promise<unknown> => {
    const jobId = jobIdOf(payload);
    const fate = faults.invocation();
    const stepsLeft = fate === 'killed' ? 1 + Math.floor(faults.random() * 8) : Number.POSITIVE_INFINITY;
    await clock.sleep(1 + faults.random() * 20);
    if (fate === 'throttled' || faults.isOut('throttled')) throw namedError('Lambda.TooManyRequestsException');
    if (fate === 'fails before') throw namedError('Lambda.ServiceException');
    if (faults.isOut(name)) throw namedError('Runtime.ImportModuleError');
    const process = acquireProcess(name);
    const invocation: Invocation = { jobId, epoch, stepsLeft, process };
    const running = handlerOf(
      name,
      invocation,
      payload,
    )(payload, {} as never).finally(() => {
      process.isBusy = false;
    });
    const dieLater = async () => {
      await clock.sleep(1_000 + faults.random() * 5_000);
      if (!isDead(invocation)) return running;
      throw namedError('Lambda.Unknown');
    };
    // A killed process handles no further calls.
    if (fate === 'killed') process.callsLeft = 0;
    const result = await (fate === 'killed' ? Promise.race([running, dieLater()]) : running);
    if (fate !== 'response lost') return result;
    recordFault(invocation, `${name}: response lost`, 'response lost');
    throw namedError('Lambda.ServiceException');
  };

  const runTask = async (name: Task, payload: never, startEpoch: number): Promise<unknown> => {
    if (startEpoch !== epoch) return never();
    const jobId = jobIdOf(payload);
    let isOver = false;
    clock.after(TIMEOUTS_MS[name] ?? 0, () => {
      if (!isOver && startEpoch === epoch)
        history.add({ kind: 'fault', jobId, description: `${name}: timed out`, excuse: 'timed out' });
    });
    try {
      const result = await invoke(name, payload).finally(() => {
        isOver = true;
      });
      return startEpoch === epoch ? result : never();
    } catch (error) {
      if (startEpoch !== epoch) return never();
      // A retry may save the outcome. Otherwise it is lost.
      if (name === 'SettleJob')
        history.add({ kind: 'fault', jobId, description: 'settling failed', excuse: 'not kept' });
      const { name: errorName, message } = error as Error;
      throw namedError(errorName, JSON.stringify({ errorType: errorName, errorMessage: message, trace: [] }));
    }
  };

  /** Runs an execution. A crash ends it silently. */
  const run = (input: unknown): void => {
    const startEpoch = epoch;
    const isAlive = () => startEpoch === epoch;
    const toInput = createRetryCounter();
    const handler = (name: string) => async (raw: Json) => {
      const { Payload, Input } = JSON.parse(toInput(name, raw as object)) as {
        Payload?: unknown;
        Input?: { jobs: ClaimedJob[] };
      };
      if (name === 'StartBatch') {
        const invocation = {
          jobId: undefined,
          epoch: startEpoch,
          stepsLeft: Number.POSITIVE_INFINITY,
          process: createProcess(),
        };
        await remote(invocation, 'StartBatch', async () => start({ jobs: (Input?.jobs ?? []).map(alterClaimed) }))();
        return {};
      }
      return { Payload: (await runTask(name as Task, Payload as never, startEpoch)) as Json };
    };
    const { result } = machine.run(structuredClone(input) as Json, {
      overrides: { taskResourceLocalHandlers: Object.fromEntries(TASKS.map((name) => [name, handler(name)])) },
      context: { StateMachine: { Id: 'arn:machine' }, Execution: { Id: 'arn:execution' } },
    });
    result.then(
      () => {},
      (error: Error) =>
        isAlive() && history.add({ kind: 'fault', jobId: undefined, description: `execution: ${error.name}` }),
    );
  };

  const start = (input: { jobs?: ClaimedJob[] }): void => {
    const startEpoch = epoch;
    const begin = () => startEpoch === epoch && run(input);
    clock.after(5, begin);
    if (!faults.startsTwice()) return;
    for (const { jobId } of input.jobs ?? []) {
      history.add({ kind: 'fault', jobId, description: 'execution started twice', excuse: 'restarted' });
    }
    clock.after(faults.random() * 120_000, begin);
  };

  const callApi = async (create: (ports: ReturnType<typeof portsOf>) => Handler, event: object) => {
    const fate = faults.invocation();
    if (fate === 'throttled' || fate === 'fails before') return undefined;
    const stepsLeft = fate === 'killed' ? 1 + Math.floor(faults.random() * 8) : Number.POSITIVE_INFINITY;
    const ports = portsOf({ jobId: undefined, epoch, stepsLeft, process: createProcess() });
    const response = (await create(ports)({ headers: {}, requestContext: {}, ...event } as never, {} as never)) as {
      statusCode: number;
      body: string;
    };
    return fate === 'response lost' ? undefined : response;
  };

  const post = async (): Promise<void> => {
    const wanted = PROVIDERS.filter(
      (id) => actions() < ((isMoving && id === POLLED ? undefined : REQUEST_SHARES[id]) ?? 0.6),
    );
    // Callers use a catalogue that some processes have.
    const catalogueName = drawCatalogue();
    const providers = wanted.filter((id) => CATALOGUES[catalogueName].has(id));
    const key = actions() < 0.3 ? `key-${Math.floor(actions() * 3)}` : undefined;
    posts += 1;
    const { withParameters, ...metadata } = drawInput(inputs, posts, catalogueName);
    const body = {
      providers: (providers.length > 0 ? providers : ['gas']).map(withParameters),
      callbackUrl: `https://r${id % 2}.example/`,
      ...metadata,
    };
    const headers = { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) };
    const create = (ports: ReturnType<typeof portsOf>) =>
      createWebhook({
        ...ports,
        limitClient: async () => {},
        callbackRules: { allowHttp: false, exceptions: { networks: [], hosts: new Set() } },
      });
    const response = await callApi(create, { headers, body: JSON.stringify(body) });
    if (response?.statusCode !== 202) return;
    history.add({ kind: 'accepted', jobId: (JSON.parse(response.body) as { jobId: string }).jobId });
  };
  const changeJobs = async (action: 'cancel' | 'redrive' | 'redrive many'): Promise<void> => {
    if (action === 'redrive many') {
      const status = actions() < 0.5 ? 'COMPLETE' : 'FAILED';
      const headers = { 'content-type': 'application/json' };
      const create = (ports: ReturnType<typeof portsOf>) => createRequestRedrive({ ...ports, jobs: ports.reader });
      await callApi(create, { headers, body: JSON.stringify({ status }) });
      return;
    }
    const all = [...jobs.keys()];
    const jobId = all[Math.floor(actions() * all.length)];
    if (jobId === undefined) return;
    const create = (ports: ReturnType<typeof portsOf>) =>
      action === 'cancel'
        ? createCancel({ ...ports, jobs: ports.reader })
        : createRedrive({ ...ports, jobs: ports.reader });
    await callApi(create, { pathParameters: { jobId } });
  };

  const tick = (): void => {
    const work = [...jobs.values(), ...allRedrives.values()];
    const sweep = () => work.some(({ dueAt = Number.POSITIVE_INFINITY }) => dueAt <= now()) && start({});
    clock.after(faults.tickDelayMs(), sweep);
    if (faults.ticksTwice()) clock.after(0, sweep);
    for (const { jobId, providerId } of faults.deletesExpired() ? fake.deleteExpired(now()) : []) {
      const job = jobs.get(jobId);
      const isResult = job?.results.some((one) => one.providerId === providerId && one.status === 'FETCHED') ?? false;
      history.add({ kind: 'expired', jobId, providerId, isNeeded: job?.status === 'PENDING' && isResult });
    }
    if (faults.crashes()) {
      history.add({ kind: 'fault', jobId: undefined, description: 'everything crashed', excuse: 'crash' });
      epoch += 1;
    }
    clock.after(MINUTE, tick);
  };

  clock.install(jitter);
  try {
    tick();
    for (const deployment of deployments) {
      clock.after(deployment.from - START, () => history.add({ kind: 'deployed', ...deployment }));
    }
    const count = 3 + Math.floor(actions() * 6);
    /** A random time, or a time during a deployment, when processes have different catalogues. */
    const postDelayMs = (index: number): number => {
      const { from, until } = deployments[index % (2 * deployments.length)] ?? { from: 0, until: 0 };
      return from > START ? from - START + rollout() * (until - from) : actions() * TROUBLE_MS * 0.6;
    };
    for (let index = 0; index < count; index += 1) clock.after(postDelayMs(index), () => void post());
    for (let index = 0; index < 4; index += 1) {
      const action = (['cancel', 'redrive', 'redrive many'] as const)[Math.floor(actions() * 3)] ?? 'cancel';
      if (actions() < 0.5) clock.after(actions() * TROUBLE_MS, () => void changeJobs(action));
    }
    const troubleEnd = Math.max(START + TROUBLE_MS, faults.outage?.to ?? 0);
    await clock.runTo(troubleEnd);
    faults.calm();
    await clock.runTo(troubleEnd + CALM_MS);
  } finally {
    clock.uninstall();
  }
  return { history, jobs, fetchDeadlineMs };
};

/** The stored state of the polled provider. */
const polledOf = ({ results, phase }: Settlement): Polled | undefined => {
  const result = results.find(({ providerId }) => providerId === POLLED);
  if (!result) return undefined;
  const { status, round } = result;
  const ticket = result.status === 'UNAVAILABLE' ? result.ticket : undefined;
  return { status: phase === 'FETCHING' ? status : 'FROZEN', round, url: ticket?.url, since: ticket?.since };
};

/** Whether an attempt failed before any call: its parameter or ticket does not fit the catalogue. */
const isUncalled = ({ class: failureClass, statusCode }: Pick<Call, 'class' | 'statusCode'>): boolean =>
  failureClass === 'bad_parameter' ||
  failureClass === 'unknown_provider' ||
  (failureClass === 'ticket_lost' && statusCode === undefined);

/** Wraps the table to record every change in the history. */
const recordChanges = (store: JobStore, jobs: Map<string, Job>, history: History): JobStore => ({
  ...store,
  intake: {
    ...store.intake,
    create: async (job, request, at) => {
      const existed = jobs.has(job.jobId);
      const created = await store.intake.create(job, request, at);
      const { jobId, claims, providers, parameters, metadata } = created.job;
      if (!existed) history.add({ kind: 'created', jobId, claims, providers, parameters, metadata });
      return created;
    },
  },
  control: {
    ...store.control,
    replace: async (read, next) => {
      await store.control.replace(read, next);
      const { jobId, claims, status, leasedUntil = 0, round } = next;
      const by = status === 'CANCELLED' ? 'cancel' : 'redrive';
      history.add({ kind: 'claimed', jobId, claims, by, leasedUntil, ...(round !== undefined && { round }) });
    },
  },
  due: {
    ...store.due,
    claim: async (entry, at, leaseMs) => {
      const job = await store.due.claim(entry, at, leaseMs);
      if (!job) return job;
      const { jobId, claims, leasedUntil = 0 } = job;
      history.add({ kind: 'claimed', jobId, claims, by: 'sweep', leasedUntil });
      return job;
    },
  },
  outcomes: {
    save: async (jobId, claims, settlement, data) => {
      await store.outcomes.save(jobId, claims, settlement, data);
      const { status, dueAt, phase, results } = settlement;
      const pending = phase === 'FETCHING' ? results.filter((result) => result.status === 'UNAVAILABLE') : [];
      const retryAt = Object.fromEntries(pending.map(({ providerId, retryAt: at = 0 }) => [providerId, at]));
      const isOver = status !== 'PENDING';
      const failed = settlement.attempt?.fetches ?? [];
      history.add({
        kind: 'settled',
        jobId,
        claims,
        status,
        isOver,
        dueAt,
        retryAt,
        polled: polledOf(settlement),
        uncalled: failed.filter(isUncalled).map(({ providerId }) => providerId),
        refused: Object.fromEntries(
          results.flatMap((result) => (result.status === 'REFUSED' ? [[result.providerId, result.error.class]] : [])),
        ),
        isInTrouble: jobs.get(jobId)?.isInTrouble === true,
        hasFailed:
          (jobs.get(jobId)?.callbackAttempts ?? 0) > 0 ||
          results.some((result) => result.status === 'UNAVAILABLE' && (result.attempts ?? 0) > 0),
      });
    },
  },
});

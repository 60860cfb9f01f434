import type { Job } from '@boomerang/core/domain/job.ts';
import { cataloguesIn, credentialFor, deploymentsOf, originIn, POLLED, POLLING, parameterIn } from './catalogues.ts';
import { MAX_SKEW_MS } from './faults.ts';
import type { HistoryEvent, Polled } from './history.ts';
import { type Item, PAGED } from './paged-provider.ts';
import { SCHEDULE_MS, type Simulation } from './world.ts';

type EventOf<Kind extends HistoryEvent['kind']> = Extract<HistoryEvent, { kind: Kind }>;
type Body = {
  jobId: string;
  data: { providerId: string; data?: unknown; error?: object }[];
  metadata?: Record<string, string>;
};

/** Describes every violation of an invariant in a simulation. */
export const findViolations = ({ history, jobs, fetchDeadlineMs }: Simulation): string[] => {
  const accepted = new Set(history.events.flatMap((event) => (event.kind === 'accepted' ? event.jobId : [])));
  const lost = [...accepted]
    .filter((jobId) => !jobs.has(jobId))
    .map((jobId) => `${jobId} was accepted but no longer exists`);
  return [...lost, ...[...jobs.values()].flatMap((job) => judgeJob(job, history.events, fetchDeadlineMs))];
};

const judgeJob = (job: Job, all: HistoryEvent[], fetchDeadlineMs: number): string[] => {
  const { jobId } = job;
  // Events without a jobId, such as crashes, concern every job.
  const ownEvents = all.filter((event) => !('jobId' in event) || event.jobId === jobId || event.jobId === undefined);
  const eventsOf = <Kind extends HistoryEvent['kind']>(kind: Kind) =>
    ownEvents.filter((event): event is EventOf<Kind> => event.kind === kind);
  const judges = [
    judgeEnd,
    judgeFencing,
    judgeCallbacks,
    judgeInput,
    judgeFetches,
    judgeTimes,
    judgeAttempts,
    judgeRetention,
    judgeWork,
    judgePages,
    judgeCatalogues,
    judgeTrouble,
  ];
  return judges.flatMap((judge) => judge(job, eventsOf, fetchDeadlineMs)).map((complaint) => `${jobId} ${complaint}`);
};

type EventsOf = <Kind extends HistoryEvent['kind']>(kind: Kind) => EventOf<Kind>[];

/** After hours without faults, every job has ended with a status that matches the events. */
const judgeEnd = (job: Job, eventsOf: EventsOf): string[] => {
  const complaints: string[] = [];
  const { status, dueAt, failure } = job;
  if (status === 'PENDING') complaints.push(dueAt === undefined ? 'is pending but never due' : 'has not ended');
  if (status !== 'PENDING' && dueAt !== undefined) complaints.push('has ended but is due');
  if ((status === 'FAILED') !== (failure !== undefined)) complaints.push(`is ${status} with failure ${failure?.code}`);
  const isAccepted = eventsOf('called back').some((call) => call.isAccepted);
  if ((status === 'COMPLETE' || status === 'PARTIAL') && !isAccepted)
    complaints.push(`is ${status} but was not delivered`);
  const redrives = eventsOf('claimed').filter(({ by }) => by === 'redrive').length;
  const tries = eventsOf('called back').length;
  // Without faults and open circuits, a job is abandoned only after its whole retry schedule.
  const isDeferred = job.attemptLog.at(-1)?.callback?.class === 'circuit_open';
  const isUntouched = eventsOf('fault').length === 0 && redrives === 0 && !isDeferred;
  if (failure?.code === 'CALLBACK_EXHAUSTED' && isUntouched && tries <= SCHEDULE_MS.length) {
    complaints.push(`was abandoned after ${tries} calls`);
  }
  return complaints;
};

/** Claim numbers are unique. A claim is settled at most once, while it is the newest. A job ends once unless redriven. */
const judgeFencing = (_job: Job, eventsOf: EventsOf): string[] => {
  const complaints: string[] = [];
  const settled = new Set<number>();
  let ends = 0;
  for (const event of eventsOf('settled')) {
    if (settled.has(event.claims)) complaints.push(`claim ${event.claims} was settled twice`);
    settled.add(event.claims);
    if (event.isOver === (event.dueAt !== undefined))
      complaints.push(`claim ${event.claims} left the job ${event.status}, due: ${event.dueAt}`);
    const newest = Math.max(
      ...[...eventsOf('created'), ...eventsOf('claimed')].filter(({ at }) => at <= event.at).map((e) => e.claims),
    );
    const isSameMoment = eventsOf('claimed').some(({ at }) => at === event.at);
    if (event.claims < newest && !isSameMoment)
      complaints.push(`claim ${event.claims} was settled after claim ${newest}`);
    if (event.isOver) ends += 1;
  }
  const claimEvents = eventsOf('claimed');
  const cancels = claimEvents.filter(({ by }) => by === 'cancel').length;
  const redrives = claimEvents.filter(({ by }) => by === 'redrive').length;
  if (ends + cancels > 1 + redrives) complaints.push(`ended ${ends + cancels} times with ${redrives} redrives`);
  const numbers = claimEvents.map(({ claims }) => claims);
  if (new Set(numbers).size !== numbers.length) complaints.push('was claimed twice under one number');
  for (const [index, event] of claimEvents.entries()) {
    const before = claimEvents[index - 1];
    // A leased job is claimed again only if its holder has settled or released it.
    const isSettled = eventsOf('settled').some(({ at, claims }) => claims === before?.claims && at <= event.at);
    if (
      event.by === 'sweep' &&
      before &&
      !isSettled &&
      event.at < before.leasedUntil - TOLERANCE_MS &&
      !isReleased(eventsOf, before.at, event.at)
    ) {
      complaints.push(`claim ${before.claims} lost the job before its lease expired`);
    }
  }
  return complaints;
};

/** Callbacks are signed, contain exactly what providers answered, and are accepted twice only if a fault explains it. */
const judgeCallbacks = (job: Job, eventsOf: EventsOf): string[] => {
  const complaints: string[] = [];
  const calls = eventsOf('called back');
  const answered = new Map<string, Set<string>>();
  for (const { providerId, json } of eventsOf('answered'))
    answered.set(providerId, (answered.get(providerId) ?? new Set()).add(json));
  for (const { problem, body, webhookId } of calls) {
    if (problem !== undefined) complaints.push(`sent a callback that does not verify: ${problem}`);
    const { jobId, data } = JSON.parse(body) as Body;
    if (jobId !== job.jobId || !webhookId.startsWith(job.jobId))
      complaints.push(`sent a callback of ${jobId}, ${webhookId}`);
    const order = data.map(({ providerId }) => providerId);
    const isInOrder = job.providers.filter((providerId) => order.includes(providerId)).join() === order.join();
    if (!isInOrder || new Set(order).size !== order.length)
      complaints.push(`sent a callback with the providers ${order.join()}`);
    for (const { providerId, data: value, error } of data) {
      const isGenuine = answered.get(providerId)?.has(JSON.stringify(value)) ?? false;
      if (error === undefined && !isGenuine) complaints.push(`sent data that ${providerId} did not return`);
    }
  }
  if (job.status === 'COMPLETE') {
    const isWhole = calls.some(({ body, isAccepted }) => {
      const { data } = JSON.parse(body) as Body;
      return isAccepted && data.length === job.providers.length && data.every(({ error }) => error === undefined);
    });
    if (!isWhole) complaints.push('is COMPLETE but no complete callback was accepted');
  }
  const acceptedCalls = calls.filter((call) => call.isAccepted);
  for (const [index, call] of acceptedCalls.entries()) {
    const before = acceptedCalls.slice(0, index).findLast(({ webhookId }) => webhookId === call.webhookId);
    if (before && !isExcused(eventsOf, before.at - 360_000, call.at))
      complaints.push(`sent ${call.webhookId} twice, at ${call.at}`);
  }
  return complaints;
};

/** Every fetch has the parameters of its own job, and every callback has its metadata. */
const judgeInput = (_job: Job, eventsOf: EventsOf): string[] => {
  const [created] = eventsOf('created');
  const fetches = eventsOf('called').flatMap(({ providerId, url }) => {
    const { cursor: _, ...sent } = Object.fromEntries(new URL(url).searchParams);
    const [actual, own] = [sent, created?.parameters?.[providerId] ?? {}].map((value) => JSON.stringify(value));
    return actual === own ? [] : [`called ${providerId} with ${actual} instead of ${own}`];
  });
  const callbacks = eventsOf('called back').flatMap(({ body }) => {
    const { metadata } = JSON.parse(body) as Body;
    const [sent, own] = [metadata, created?.metadata].map((value) => JSON.stringify(value));
    return sent === own ? [] : [`sent metadata ${sent} instead of ${own}`];
  });
  return [...fetches, ...callbacks];
};

/** Two clocks may be skewed in opposite directions. */
const TOLERANCE_MS = 2 * MAX_SKEW_MS;
/** One execution fetches from all providers that are due within this time. */
const DUE_TOGETHER_MS = 30_000;

/** Providers are called when due, neither earlier nor much later. A callback reports one as unavailable only after the deadline. */
const judgeTimes = (job: Job, eventsOf: EventsOf, fetchDeadlineMs: number): string[] => {
  const complaints: string[] = [];
  const settled = eventsOf('settled');
  const redrives = eventsOf('claimed').filter(({ by }) => by === 'redrive');
  for (const { at, providerId, claims } of eventsOf('called')) {
    const last = settled.findLast((event) => event.at <= at && event.claims < claims);
    const isRedriven = redrives.some((event) => last && event.at >= last.at && event.at <= at);
    const retryAt = last?.retryAt[providerId];
    if (last && !isRedriven && retryAt !== undefined && at < retryAt - TOLERANCE_MS)
      complaints.push(`called ${providerId} at ${at}, before ${retryAt}`);
  }
  for (const { at, claims, dueAt, retryAt } of settled) {
    const earliest = Math.max(at + MAX_SKEW_MS, Math.min(...Object.values(retryAt)));
    if (dueAt !== undefined && dueAt > earliest + DUE_TOGETHER_MS)
      complaints.push(`is due too late after claim ${claims}`);
  }
  for (const { at, body } of eventsOf('called back')) {
    const since = Math.max(
      ...[...eventsOf('created'), ...redrives].filter((event) => event.at <= at).map((event) => event.at),
    );
    const { data } = JSON.parse(body) as { data: { providerId: string; error?: { code: string } }[] };
    const missing = data.find(({ error }) => error?.code === 'PROVIDER_UNAVAILABLE');
    if (missing && at < since + fetchDeadlineMs - TOLERANCE_MS)
      complaints.push(`sent a callback at ${at} without ${missing.providerId}, before its deadline`);
  }
  if (job.failure?.code === 'NEVER_SETTLED')
    complaints.push('was abandoned as NEVER_SETTLED, but no outage lasted a week');
  return complaints;
};

/** No attempt is counted without a call, and no provider is abandoned without a call. */
const judgeAttempts = (job: Job, eventsOf: EventsOf): string[] => {
  const complaints: string[] = [];
  const fetches = eventsOf('called');
  // Attempts that fail because of the catalogue are counted and retried too, without a call.
  const uncalled = eventsOf('settled').flatMap(({ claims, uncalled: ids }) =>
    ids.map((providerId) => ({ claims, providerId })),
  );
  const executions = new Set([...fetches, ...uncalled].map(({ claims }) => claims)).size;
  if (job.fetchAttempts > executions)
    complaints.push(`counts ${job.fetchAttempts} fetch attempts, but ${executions} executions fetched`);
  const calls = eventsOf('called back').length;
  if (job.callbackAttempts > calls)
    complaints.push(`counts ${job.callbackAttempts} callback attempts, but there were ${calls} calls`);
  for (const result of job.results) {
    if (result.status !== 'UNAVAILABLE') continue;
    const attempts = [...fetches, ...uncalled].filter(({ providerId }) => providerId === result.providerId).length;
    if ((result.attempts ?? 0) > attempts) complaints.push(`counts ${result.attempts} attempts, but made ${attempts}`);
    const isOver = job.status === 'PARTIAL' && result.error.class === 'internal';
    if (isOver && attempts === 0) complaints.push(`abandoned ${result.providerId} without calling it`);
  }
  return complaints;
};

/**
 * Work is started once per round and polled at the URL of its ticket. A ticket is dropped only if lost, overdue or moved to
 * another origin, and its round is never reused. Callbacks contain only the job's own work.
 */
const judgeWork = (job: Job, eventsOf: EventsOf): string[] => {
  const complaints: string[] = [];
  const settled = eventsOf('settled');
  const redrives = eventsOf('claimed').filter(({ by }) => by === 'redrive');
  /** The state of the provider at the start of a claim: as left by the previous claim, or reset by a redrive. */
  const stateAtStartOf = (claims: number): Omit<Polled, 'status'> => {
    const redrive = redrives.findLast((event) => event.claims <= claims);
    const last = settled.findLast((event) => event.claims < claims);
    const isRedriven = redrive !== undefined && (last === undefined || last.claims < redrive.claims);
    const { round = redrive?.round ?? 0, url, since } = (isRedriven ? undefined : last?.polled) ?? {};
    return { round, url, since };
  };
  for (const { claims, idempotencyKey } of eventsOf('requested')) {
    const { round, url } = stateAtStartOf(claims);
    if (url !== undefined) complaints.push(`claim ${claims} started work although it had a ticket`);
    if (idempotencyKey !== `${job.jobId}:${POLLED}:${round}`)
      complaints.push(`claim ${claims} started work for ${idempotencyKey} in round ${round}`);
  }
  for (const { claims, url } of eventsOf('polled')) {
    if (url !== stateAtStartOf(claims).url)
      complaints.push(`claim ${claims} polled ${url} instead of the URL of its ticket`);
  }
  /** Earlier rounds have ended and must not be used again. */
  let firstFreeRound = 0;
  for (const { at, claims, polled } of settled) {
    if (!polled) continue;
    const before = stateAtStartOf(claims);
    const redrive = redrives.findLast((event) => event.claims <= claims);
    firstFreeRound = Math.max(firstFreeRound, redrive?.round ?? 0);
    const round = polled.round ?? redrive?.round ?? 0;
    if (round < firstFreeRound) complaints.push(`claim ${claims} went back to round ${round}`);
    if (before.url === undefined || polled.status !== 'UNAVAILABLE' || polled.url === before.url) continue;
    const isLost = eventsOf('polled').some((event) => event.claims === claims && event.response === '404');
    const isOverdue = at >= (before.since ?? 0) + POLLING.timeoutSeconds * 1000 - TOLERANCE_MS;
    const { origin } = new URL(before.url);
    const isMoved = cataloguesIn(deploymentsOf(eventsOf('deployed')), at - LONGEST_TASK_MS, at).some(
      (catalogueName) => originIn(catalogueName, POLLED) !== origin,
    );
    if (!isLost && !isOverdue && !isMoved)
      complaints.push(`claim ${claims} dropped its ticket ${before.url} without a reason`);
    firstFreeRound = (before.round ?? 0) + 1;
    if (round < firstFreeRound) complaints.push(`claim ${claims} dropped its ticket but stayed in round ${round}`);
  }
  for (const { body } of eventsOf('called back')) {
    const { data } = JSON.parse(body) as { data: { providerId: string; data?: { idempotencyKey: string } }[] };
    const report = data.find(({ providerId }) => providerId === POLLED)?.data;
    if (report && !report.idempotencyKey.startsWith(`${job.jobId}:`))
      complaints.push(`sent the work of ${report.idempotencyKey}`);
  }
  return complaints;
};

/** A paged list is delivered as read in one walk: all items of the job, once and in order. */
const judgePages = ({ jobId }: Job, eventsOf: EventsOf): string[] =>
  eventsOf('called back').flatMap(({ body }) => {
    const { data } = JSON.parse(body) as Body;
    const list = data.find(({ providerId, error }) => providerId === PAGED && error === undefined)?.data;
    if (list === undefined) return [];
    if (!Array.isArray(list)) return [`sent ${JSON.stringify(list)} as a list`];
    const isWhole = (list as Item[]).every(
      ({ owner, walk, index }, position) => owner === jobId && walk === list[0]?.walk && index === position,
    );
    return isWhole ? [] : ['sent a list that does not match a single walk'];
  });

/** How long a task that began with an old catalogue may take until it is settled. */
const LONGEST_TASK_MS = 360_000;
/** How long a job that does not fit the catalogue is retried, because the edit may be a mistake. */
const MISTAKE_MS = 60 * 60_000;

/**
 * A process calls only providers and origins of its own catalogue, with the credential for that origin. A provider or parameter
 * missing from the catalogue is refused only after it has been missing for an hour.
 */
const judgeCatalogues = (_job: Job, eventsOf: EventsOf): string[] => {
  const complaints: string[] = [];
  for (const { providerId, url, catalogueName, credential } of eventsOf('called')) {
    const address = new URL(url);
    if (address.origin !== originIn(catalogueName, providerId))
      complaints.push(`called ${providerId} at ${address.origin} with the catalogue "${catalogueName}"`);
    const expected = credentialFor(providerId, address);
    if (credential !== expected)
      complaints.push(`called ${providerId} at ${address.origin} with the credential ${credential}`);
  }
  const [created] = eventsOf('created');
  const deployments = deploymentsOf(eventsOf('deployed'));
  for (const { at, refused } of eventsOf('settled')) {
    const known = cataloguesIn(deployments, created?.at ?? 0, at - MISTAKE_MS + TOLERANCE_MS);
    for (const [providerId, failureClass] of Object.entries(refused)) {
      const [sent] = Object.keys(created?.parameters?.[providerId] ?? {});
      const isGone = known.some((catalogueName) => originIn(catalogueName, providerId) === undefined);
      const isRenamed = known.some((catalogueName) => parameterIn(catalogueName, providerId) !== sent);
      const isHasty =
        (failureClass === 'unknown_provider' && !isGone) || (failureClass === 'bad_parameter' && !isRenamed);
      if (isHasty) complaints.push(`refused ${providerId} too early, at ${at}: ${failureClass}`);
    }
  }
  return complaints;
};

/** A pending job is listed as in trouble from its first failed attempt until it ends or is redriven. */
const judgeTrouble = (_job: Job, eventsOf: EventsOf): string[] => {
  const redrives = eventsOf('claimed').filter(({ by }) => by === 'redrive');
  // Attempts that fail because of the catalogue are made without a call.
  const attempts = [
    ...eventsOf('called'),
    ...eventsOf('called back'),
    ...eventsOf('settled').filter(({ uncalled }) => uncalled.length > 0),
  ];
  return eventsOf('settled').flatMap(({ at, claims, isOver, isInTrouble, hasFailed }) => {
    if (isOver) return isInTrouble ? [`ended with claim ${claims} but is listed as in trouble`] : [];
    if (hasFailed && !isInTrouble)
      return [`has a failed attempt after claim ${claims} but is not listed as in trouble`];
    const since = redrives.findLast((redrive) => redrive.claims <= claims)?.at ?? 0;
    const isTried = attempts.some((attempt) => attempt.at >= since && attempt.at <= at);
    return isInTrouble && !isTried ? [`is listed as in trouble after claim ${claims}, without an attempt`] : [];
  });
};

/** No result of a pending job expires. */
const judgeRetention = (_job: Job, eventsOf: EventsOf): string[] =>
  eventsOf('expired').flatMap(({ at, providerId, isNeeded }) =>
    isNeeded ? [`lost the result of ${providerId} at ${at}: it expired before the job ended`] : [],
  );

/** A provider that answered is not called again unless its result could not be stored. */
const judgeFetches = (_job: Job, eventsOf: EventsOf): string[] => {
  const answered = eventsOf('answered');
  const isRedriven = (from: number, to: number) =>
    eventsOf('claimed').some((e) => e.by === 'redrive' && e.at >= from && e.at <= to);
  return eventsOf('called').flatMap((call) => {
    const before = answered.find(({ at, providerId }) => providerId === call.providerId && at < call.at);
    if (!before || isRedriven(before.at, call.at) || isExcused(eventsOf, before.at - 360_000, call.at)) return [];
    return [`called ${call.providerId} again, which had answered at ${before.at}`];
  });
};

/** Whether a claim may have been released because its execution did not start. */
const isReleased = (eventsOf: EventsOf, from: number, to: number): boolean =>
  eventsOf('fault').some(({ at, description }) => at >= from && at <= to && description.startsWith('StartExecution'));

/** Whether a fault or an expired lease in this time explains that something happened twice. */
const isExcused = (eventsOf: EventsOf, from: number, to: number): boolean => {
  const isBetween = ({ at }: { at: number }) => at >= from && at <= to;
  const isTakenOver = ({ claims, at, by }: EventOf<'claimed'>) =>
    by === 'sweep' && !eventsOf('settled').some((event) => event.claims === claims - 1 && event.at <= at);
  return (
    eventsOf('fault').some((event) => isBetween(event) && event.excuse !== undefined) ||
    eventsOf('claimed').some((event) => isBetween(event) && isTakenOver(event))
  );
};

import type { Job } from '@boomerang/core/domain/job.ts';
import { credentialFor, deploymentsOf, generationsIn, originIn, POLLED, POLLING, parameterIn } from './catalogues.ts';
import { MAX_SKEW_MS } from './faults.ts';
import type { HistoryEvent, Polled } from './history.ts';
import { type Item, PAGED } from './paged-provider.ts';
import { SCHEDULE_MS, type Simulation } from './world.ts';

type Of<Kind extends HistoryEvent['kind']> = Extract<HistoryEvent, { kind: Kind }>;
type Body = {
  jobId: string;
  data: { providerId: string; data?: unknown; error?: object }[];
  metadata?: Record<string, string>;
};

/** Everything that is not as promised, in words; nothing when all is well. */
export const findViolations = ({ history, jobs, fetchDeadlineMs }: Simulation): string[] => {
  const accepted = new Set(history.events.flatMap((event) => (event.kind === 'accepted' ? event.jobId : [])));
  const lost = [...accepted].filter((jobId) => !jobs.has(jobId)).map((jobId) => `${jobId} was accepted, and is gone`);
  return [...lost, ...[...jobs.values()].flatMap((job) => judgeJob(job, history.events, fetchDeadlineMs))];
};

const judgeJob = (job: Job, all: HistoryEvent[], fetchDeadlineMs: number): string[] => {
  const { jobId } = job;
  // Crashes belong to every job; so do the faults of whoever works for many.
  const mine = all.filter((event) => !('jobId' in event) || event.jobId === jobId || event.jobId === undefined);
  const of = <Kind extends HistoryEvent['kind']>(kind: Kind) =>
    mine.filter((event): event is Of<Kind> => event.kind === kind);
  const judges = [
    judgeEnd,
    judgeFencing,
    judgeCallbacks,
    judgeInput,
    judgeFetches,
    judgeTimes,
    judgeAttempts,
    judgeLives,
    judgeWork,
    judgePages,
    judgeCatalogues,
    judgeTrouble,
  ];
  return judges.flatMap((judge) => judge(job, of, fetchDeadlineMs)).map((complaint) => `${jobId} ${complaint}`);
};

type Find = <Kind extends HistoryEvent['kind']>(kind: Kind) => Of<Kind>[];

/** After hours of calm, every job is over, and what it says of its end is so. */
const judgeEnd = (job: Job, of: Find): string[] => {
  const complaints: string[] = [];
  const { status, dueAt, failure } = job;
  if (status === 'PENDING') complaints.push(dueAt === undefined ? 'is pending, and never due' : 'is not over');
  if (status !== 'PENDING' && dueAt !== undefined) complaints.push('is over, and due');
  if ((status === 'FAILED') !== (failure !== undefined)) complaints.push(`is ${status}, and says ${failure?.code}`);
  const isTaken = of('called back').some((call) => call.isTaken);
  if ((status === 'COMPLETE' || status === 'PARTIAL') && !isTaken)
    complaints.push(`is ${status}, and was not delivered`);
  const redrives = of('taken').filter(({ by }) => by === 'redrive').length;
  const tries = of('called back').length;
  // Faults may eat calls after they were counted, and an open circuit spares them: without any, it takes the whole schedule.
  const isSpared = job.attemptLog.at(-1)?.callback?.class === 'circuit_open';
  const isUntouched = of('fault').length === 0 && redrives === 0 && !isSpared;
  if (failure?.code === 'CALLBACK_EXHAUSTED' && isUntouched && tries <= SCHEDULE_MS.length) {
    complaints.push(`was given up after ${tries} calls`);
  }
  return complaints;
};

/** Claims count up by one, each is settled once at most, by whoever holds the newest; a job ends once, unless it is redriven. */
const judgeFencing = (_job: Job, of: Find): string[] => {
  const complaints: string[] = [];
  const settled = new Set<number>();
  let ends = 0;
  for (const event of of('settled')) {
    if (settled.has(event.claims)) complaints.push(`claim ${event.claims} was settled twice`);
    settled.add(event.claims);
    if (event.isOver === (event.dueAt !== undefined))
      complaints.push(`claim ${event.claims} left it ${event.status}, due: ${event.dueAt}`);
    const newest = Math.max(...[...of('born'), ...of('taken')].filter(({ at }) => at <= event.at).map((e) => e.claims));
    const isSameMoment = of('taken').some(({ at }) => at === event.at);
    if (event.claims < newest && !isSameMoment)
      complaints.push(`claim ${event.claims} was settled after ${newest} was taken`);
    if (event.isOver) ends += 1;
  }
  const takes = of('taken');
  const cancels = takes.filter(({ by }) => by === 'cancel').length;
  const redrives = takes.filter(({ by }) => by === 'redrive').length;
  if (ends + cancels > 1 + redrives) complaints.push(`ended ${ends + cancels} times with ${redrives} redrives`);
  const numbers = takes.map(({ claims }) => claims);
  if (new Set(numbers).size !== numbers.length) complaints.push('was taken twice under one number');
  for (const [index, event] of takes.entries()) {
    const before = takes[index - 1];
    // Nobody is taken from while their lease lasts, unless they have settled.
    const isSettled = of('settled').some(({ at, claims }) => claims === before?.claims && at <= event.at);
    if (
      event.by === 'sweep' &&
      before &&
      !isSettled &&
      event.at < before.leasedUntil - TOLERANCE_MS &&
      !isReleased(of, before.at, event.at)
    ) {
      complaints.push(`claim ${before.claims} was taken from its holder`);
    }
  }
  return complaints;
};

/** What receivers get is signed, and just what was given; they get it twice only where that can't be helped. */
const judgeCallbacks = (job: Job, of: Find): string[] => {
  const complaints: string[] = [];
  const calls = of('called back');
  const gave = new Map<string, Set<string>>();
  for (const { providerId, json } of of('gave')) gave.set(providerId, (gave.get(providerId) ?? new Set()).add(json));
  for (const { problem, body, webhookId } of calls) {
    if (problem !== undefined) complaints.push(`sent a callback that does not verify: ${problem}`);
    const { jobId, data } = JSON.parse(body) as Body;
    if (jobId !== job.jobId || !webhookId.startsWith(job.jobId))
      complaints.push(`sent a callback of ${jobId}, ${webhookId}`);
    const order = data.map(({ providerId }) => providerId);
    const isInOrder = job.providers.filter((providerId) => order.includes(providerId)).join() === order.join();
    if (!isInOrder || new Set(order).size !== order.length) complaints.push(`sent a callback of ${order.join()}`);
    for (const { providerId, data: given, error } of data) {
      const isGiven = gave.get(providerId)?.has(JSON.stringify(given)) ?? false;
      if (error === undefined && !isGiven) complaints.push(`sent what ${providerId} did not give`);
    }
  }
  if (job.status === 'COMPLETE') {
    const isWhole = calls.some(({ body, isTaken }) => {
      const { data } = JSON.parse(body) as Body;
      return isTaken && data.length === job.providers.length && data.every(({ error }) => error === undefined);
    });
    if (!isWhole) complaints.push('is COMPLETE, and nobody has it all');
  }
  const taken = calls.filter((call) => call.isTaken);
  for (const [index, call] of taken.entries()) {
    const before = taken.slice(0, index).findLast(({ webhookId }) => webhookId === call.webhookId);
    if (before && !isExcused(of, before.at - 360_000, call.at))
      complaints.push(`sent ${call.webhookId} twice, at ${call.at}`);
  }
  return complaints;
};

/** Providers are asked with the parameters of the job itself, and its receiver gets its metadata, however often. */
const judgeInput = (_job: Job, of: Find): string[] => {
  const [born] = of('born');
  const asked = of('asked').flatMap(({ providerId, url }) => {
    const { cursor: _, ...sent } = Object.fromEntries(new URL(url).searchParams);
    const [given, own] = [sent, born?.parameters?.[providerId] ?? {}].map((value) => JSON.stringify(value));
    return given === own ? [] : [`asked ${providerId} for ${given}, and not for ${own}`];
  });
  const called = of('called back').flatMap(({ body }) => {
    const { metadata } = JSON.parse(body) as Body;
    const [sent, own] = [metadata, born?.metadata].map((value) => JSON.stringify(value));
    return sent === own ? [] : [`sent metadata ${sent}, and not ${own}`];
  });
  return [...asked, ...called];
};

/** Two clocks may be off in opposite directions. */
const TOLERANCE_MS = 2 * MAX_SKEW_MS;
/** Providers that are due at nearly the same time are asked by one execution. */
const TOGETHER_MS = 30_000;

/** No provider is asked before its time, nor long after it by another's; none that waits is missing in a callback. */
const judgeTimes = (job: Job, of: Find, fetchDeadlineMs: number): string[] => {
  const complaints: string[] = [];
  const settled = of('settled');
  const redrives = of('taken').filter(({ by }) => by === 'redrive');
  for (const { at, providerId, claims } of of('asked')) {
    const last = settled.findLast((event) => event.at <= at && event.claims < claims);
    const isAnew = redrives.some((event) => last && event.at >= last.at && event.at <= at);
    const retryAt = last?.retryAt[providerId];
    if (last && !isAnew && retryAt !== undefined && at < retryAt - TOLERANCE_MS)
      complaints.push(`asked ${providerId} at ${at}, and not at ${retryAt}`);
  }
  for (const { at, claims, dueAt, retryAt } of settled) {
    const earliest = Math.max(at + MAX_SKEW_MS, Math.min(...Object.values(retryAt)));
    if (dueAt !== undefined && dueAt > earliest + TOGETHER_MS) complaints.push(`is due too late after claim ${claims}`);
  }
  for (const { at, body } of of('called back')) {
    const since = Math.max(...[...of('born'), ...redrives].filter((event) => event.at <= at).map((event) => event.at));
    const { data } = JSON.parse(body) as { data: { providerId: string; error?: { code: string } }[] };
    const missing = data.find(({ error }) => error?.code === 'PROVIDER_UNAVAILABLE');
    if (missing && at < since + fetchDeadlineMs - TOLERANCE_MS)
      complaints.push(`was called back at ${at} without ${missing.providerId}, before its deadline`);
  }
  if (job.failure?.code === 'NEVER_SETTLED') complaints.push('was given up, though nothing lasted for a week');
  return complaints;
};

/** No attempt is counted without a call that went out, and no provider is given up that was never asked. */
const judgeAttempts = (job: Job, of: Find): string[] => {
  const complaints: string[] = [];
  const asked = of('asked');
  // What fails by the catalogue is logged, and asked again later and later, though no call went out.
  const uncalled = of('settled').flatMap(({ claims, uncalled: ids }) =>
    ids.map((providerId) => ({ claims, providerId })),
  );
  const executions = new Set([...asked, ...uncalled].map(({ claims }) => claims)).size;
  if (job.fetchAttempts > executions)
    complaints.push(`counts ${job.fetchAttempts} attempts to fetch, of ${executions} executions that asked`);
  const calls = of('called back').length;
  if (job.callbackAttempts > calls)
    complaints.push(`counts ${job.callbackAttempts} attempts to call back, of ${calls} calls`);
  for (const result of job.results) {
    if (result.status !== 'UNAVAILABLE') continue;
    const mine = [...asked, ...uncalled].filter(({ providerId }) => providerId === result.providerId).length;
    if ((result.attempts ?? 0) > mine) complaints.push(`counts ${result.attempts} attempts of ${mine} calls`);
    const isOver = job.status === 'PARTIAL' && result.error.class === 'internal';
    if (isOver && mine === 0) complaints.push(`gave ${result.providerId} up, and never asked it`);
  }
  return complaints;
};

/**
 * Work is begun once a round, and asked for where its ticket says for as long as that is held; a ticket is given up for a reason
 * only, and its round is never used again; what is delivered is of the job's own work.
 */
const judgeWork = (job: Job, of: Find): string[] => {
  const complaints: string[] = [];
  const settled = of('settled');
  const redrives = of('taken').filter(({ by }) => by === 'redrive');
  /** What an execution finds of the provider: what the claim before left, or a redrive. */
  const foundBy = (claims: number): Omit<Polled, 'status'> => {
    const redrive = redrives.findLast((event) => event.claims <= claims);
    const last = settled.findLast((event) => event.claims < claims);
    const isAnew = redrive !== undefined && (last === undefined || last.claims < redrive.claims);
    const { round = redrive?.round ?? 0, url, since } = (isAnew ? undefined : last?.polled) ?? {};
    return { round, url, since };
  };
  for (const { claims, value } of of('requested')) {
    const { round, url } = foundBy(claims);
    if (url !== undefined) complaints.push(`claim ${claims} asked for work that it had a ticket of`);
    if (value !== `${job.jobId}:${POLLED}:${round}`)
      complaints.push(`claim ${claims} asked for ${value} in round ${round}`);
  }
  for (const { claims, url } of of('polled')) {
    if (url !== foundBy(claims).url) complaints.push(`claim ${claims} asked at ${url}, and not where its ticket says`);
  }
  /** Rounds below this one are over, given up or redriven. */
  let firstFree = 0;
  for (const { at, claims, polled } of settled) {
    if (!polled) continue;
    const found = foundBy(claims);
    const redrive = redrives.findLast((event) => event.claims <= claims);
    firstFree = Math.max(firstFree, redrive?.round ?? 0);
    const round = polled.round ?? redrive?.round ?? 0;
    if (round < firstFree) complaints.push(`claim ${claims} went back to round ${round}`);
    if (found.url === undefined || polled.status !== 'UNAVAILABLE' || polled.url === found.url) continue;
    const isLost = of('polled').some((event) => event.claims === claims && event.answer === '404');
    const isOverdue = at >= (found.since ?? 0) + POLLING.timeoutSeconds * 1000 - TOLERANCE_MS;
    const { origin } = new URL(found.url);
    const isMoved = generationsIn(deploymentsOf(of('deployed')), at - LONGEST_TASK_MS, at).some(
      (generation) => originIn(generation, POLLED) !== origin,
    );
    if (!isLost && !isOverdue && !isMoved) complaints.push(`claim ${claims} forgot its ticket, ${found.url}`);
    firstFree = (found.round ?? 0) + 1;
    if (round < firstFree) complaints.push(`claim ${claims} gave its ticket up, and stays in round ${round}`);
  }
  for (const { body } of of('called back')) {
    const { data } = JSON.parse(body) as { data: { providerId: string; data?: { of: string } }[] };
    const mine = data.find(({ providerId }) => providerId === POLLED)?.data;
    if (mine && !mine.of.startsWith(`${job.jobId}:`)) complaints.push(`sent the work of ${mine.of}`);
  }
  return complaints;
};

/** A list in pages is delivered as one walk over them gave it: all of its items, once, in order, and none of another job. */
const judgePages = ({ jobId }: Job, of: Find): string[] =>
  of('called back').flatMap(({ body }) => {
    const { data } = JSON.parse(body) as Body;
    const list = data.find(({ providerId, error }) => providerId === PAGED && error === undefined)?.data;
    if (list === undefined) return [];
    if (!Array.isArray(list)) return [`sent ${JSON.stringify(list)} as a list`];
    const isWhole = (list as Item[]).every(
      ({ of: owner, walk, index }, place) => owner === jobId && walk === list[0]?.walk && index === place,
    );
    return isWhole ? [] : ['sent a list that is not the one of a walk'];
  });

/** How long what began with one catalogue may go on: a process finishes its call, and what came of that is settled. */
const LONGEST_TASK_MS = 360_000;
/** For how long what the catalogue no longer takes may be a mistake in it. */
const MISTAKE_MS = 60 * 60_000;

/**
 * A process asks at the origins of its own catalogue, with the credential for that origin, and for nothing that its catalogue
 * doesn't know. What a catalogue does not know is refused for that only if some catalogue has not known it for an hour of the job.
 */
const judgeCatalogues = (_job: Job, of: Find): string[] => {
  const complaints: string[] = [];
  for (const { providerId, url, generation, credential } of of('asked')) {
    const address = new URL(url);
    if (address.origin !== originIn(generation, providerId))
      complaints.push(`asked ${providerId} at ${address.origin}, with the catalogue "${generation}"`);
    const own = credentialFor(providerId, address);
    if (credential !== own)
      complaints.push(`asked ${providerId} at ${address.origin} with the credential ${credential}`);
  }
  const [born] = of('born');
  const deployments = deploymentsOf(of('deployed'));
  for (const { at, refused } of of('settled')) {
    const known = generationsIn(deployments, born?.at ?? 0, at - MISTAKE_MS + TOLERANCE_MS);
    for (const [providerId, failureClass] of Object.entries(refused)) {
      const [given] = Object.keys(born?.parameters?.[providerId] ?? {});
      const isGone = known.some((generation) => originIn(generation, providerId) === undefined);
      const isRenamed = known.some((generation) => parameterIn(generation, providerId) !== given);
      const isHasty =
        (failureClass === 'unknown_provider' && !isGone) || (failureClass === 'bad_parameter' && !isRenamed);
      if (isHasty) complaints.push(`has ${providerId} refused at ${at}: ${failureClass}`);
    }
  }
  return complaints;
};

/** A pending job is listed as in trouble from its first failed attempt on, until it ends or is redriven. */
const judgeTrouble = (_job: Job, of: Find): string[] => {
  const redrives = of('taken').filter(({ by }) => by === 'redrive');
  const calls = [...of('asked'), ...of('called back')];
  return of('settled').flatMap(({ at, claims, isOver, isInTrouble, hasFailed, uncalled }) => {
    if (isOver) return isInTrouble ? [`ended by claim ${claims}, and is listed as in trouble`] : [];
    if (hasFailed && !isInTrouble) return [`failed by claim ${claims}, and is not listed as in trouble`];
    const since = redrives.findLast((redrive) => redrive.claims <= claims)?.at ?? 0;
    const isCalled = uncalled.length > 0 || calls.some((call) => call.at >= since && call.at <= at);
    return isInTrouble && !isCalled ? [`is listed as in trouble by claim ${claims}, without a call`] : [];
  });
};

/** Nothing of an unfinished job expires. */
const judgeLives = (_job: Job, of: Find): string[] =>
  of('expired').flatMap(({ at, providerId, isNeeded }) =>
    isNeeded ? [`lost what ${providerId} gave at ${at}: it expired before the job was over`] : [],
  );

/** Who gave is not asked again, unless what it gave could not be kept. */
const judgeFetches = (_job: Job, of: Find): string[] => {
  const gave = of('gave');
  const isTakenAnew = (from: number, to: number) =>
    of('taken').some((e) => e.by === 'redrive' && e.at >= from && e.at <= to);
  return of('asked').flatMap((asked) => {
    const before = gave.find(({ at, providerId }) => providerId === asked.providerId && at < asked.at);
    if (!before || isTakenAnew(before.at, asked.at) || isExcused(of, before.at - 360_000, asked.at)) return [];
    return [`asked ${asked.providerId} again, which gave at ${before.at}`];
  });
};

/** Whether a claim may have been given back, because its execution did not start. */
const isReleased = (of: Find, from: number, to: number): boolean =>
  of('fault').some(({ at, what }) => at >= from && at <= to && what.startsWith('StartExecution'));

/** Whether something struck in between that explains why a thing is done twice; a lease that ran out under its holder does. */
const isExcused = (of: Find, from: number, to: number): boolean => {
  const isBetween = ({ at }: { at: number }) => at >= from && at <= to;
  const isTakenOver = ({ claims, at, by }: Of<'taken'>) =>
    by === 'sweep' && !of('settled').some((event) => event.claims === claims - 1 && event.at <= at);
  return (
    of('fault').some((event) => isBetween(event) && event.excuse !== undefined) ||
    of('taken').some((event) => isBetween(event) && isTakenOver(event))
  );
};

import type { Attempt, Call, Deferral, Job, ProviderState } from '../api-types.ts';
import { formatDuration, formatLocal, formatRelative } from '../format.ts';
import { type CallFailure, describeFailedCall, shortFailure } from './failure-words.ts';

export type Explanation = {
  tone: 'good' | 'bad' | 'warn' | 'pending' | 'cancelled';
  /** One sentence. It changes only with the job, so that screen readers do not repeat it every second. */
  text: string;
  /** When the job continues, ISO 8601: the page counts down to it. */
  nextAt?: string;
};

/** Sweeps run every minute: a job that waits for longer is late. */
const LATE_MS = 2 * 60_000;

/** Explains the state of a job, and its cause. */
export const explain = (job: Job, now: number): Explanation => {
  const context = { job, now, receiver: receiverOf(job), when: (iso: string) => clockOf(iso, now) };
  const explanation = job.status === 'PENDING' ? explainPending(context) : explainEnd(context);
  if (job.expungedAt === undefined) return explanation;
  return { ...explanation, text: `${explanation.text}. Its data was deleted at ${context.when(job.expungedAt)}` };
};

type Context = { job: Job; now: number; receiver: string; when: (iso: string) => string };

/** The host of the callback URL. */
const receiverOf = ({ callbackUrl }: Pick<Job, 'callbackUrl'>): string =>
  URL.canParse(callbackUrl) ? new URL(callbackUrl).host : callbackUrl;

const explainEnd = (context: Context): Explanation => {
  const { job, when } = context;
  const at = job.endedAt ?? job.updatedAt;
  switch (job.status) {
    case 'COMPLETE': {
      const isRedriven = job.attempts.some(({ trigger }) => trigger === 'redrive');
      const took = `${formatDuration(Date.parse(at) - Date.parse(job.createdAt))} after it was posted`;
      return { tone: 'good', text: `Delivered at ${when(at)}, ${isRedriven ? 'after a redrive' : took}` };
    }
    case 'PARTIAL': {
      const missing = missingText(job.providers);
      return { tone: 'warn', text: `Partly delivered at ${when(at)}${missing === '' ? '' : `: ${missing}`}` };
    }
    case 'CANCELLED':
      return { tone: 'cancelled', text: `Cancelled at ${when(at)}` };
    default:
      return { tone: 'bad', text: `Failed: ${failureText(context)}` };
  }
};

const missingText = (providers: ProviderState[]): string => {
  const refused = providers.filter(({ status }) => status === 'REFUSED');
  const late = providers.filter(isAwaited).map((provider) => `${provider.providerId} (${briefly(provider)})`);
  return listOf([
    ...refused.map(({ providerId, error = {} }) => `${providerId} refused with ${shortFailure(error)}`),
    ...(late.length === 0 ? [] : [`${listOf(late)} gave no data by the deadline`]),
  ]);
};

const failureText = ({ job, receiver }: Context): string => {
  const calls = failedCallbacks(job.attempts);
  const last = calls.at(-1);
  switch (job.failure?.code) {
    case 'CALLBACK_GONE':
      if (last?.statusCode === undefined) return `${receiver} declined further callbacks`;
      return last.statusCode === 410
        ? `${receiver} answered 410 Gone`
        : `${receiver} answered ${last.statusCode} and declined further callbacks`;
    case 'CALLBACK_EXHAUSTED':
      if (job.callbackDeferred) {
        return `the callback to ${receiver} was still deferred at its deadline (${deferralText(job.callbackDeferred)})`;
      }
      return last ? `${receiver} ${repeatedly(calls)}, and no retries are left` : job.failure.message;
    case 'CALLBACK_TOO_LARGE':
      return 'the results are too large for one callback';
    case 'CLIENT_REVOKED':
      return 'its client was revoked, so nothing is delivered';
    case 'NEVER_SETTLED':
      return 'no execution reported an outcome. Its logs say why';
    case 'RESULT_MISSING':
      return 'a collected result is no longer stored; a redrive fetches it again';
    default:
      return job.failure?.message.replace(/\.$/, '') ?? 'no reason was recorded';
  }
};

const explainPending = (context: Context): Explanation => {
  const { job, now, when } = context;
  if (job.nextAttemptAt === null) return { tone: 'pending', text: progressText(context) };
  const lateMs = now - Date.parse(job.nextAttemptAt);
  if (lateMs >= LATE_MS) {
    const text = `Overdue: should have run ${formatRelative(Date.parse(job.nextAttemptAt), now)}. Do the sweeps run?`;
    return { tone: 'bad', text };
  }
  const { tone, text, next } = job.phase === 'CALLING_BACK' ? explainCallback(context) : explainFetching(context);
  if (lateMs > 0) return { tone, text: `${text}, due now` };
  const nextAt = job.nextAttemptAt;
  return { tone, text: `${text}, next ${next} ${when(nextAt)}`, nextAt };
};

const progressText = ({ job, receiver }: Context): string => {
  if (job.phase === 'CALLING_BACK') return `In progress: calling back ${receiver}`;
  const waiting = job.providers.filter(isAwaited).map(({ providerId }) => providerId);
  return waiting.length === 0 ? `In progress: calling back ${receiver}` : `In progress: calling ${listOf(waiting)}`;
};

/** Whether a provider has neither returned data nor refused. */
const isAwaited = ({ status }: ProviderState): boolean => status === 'PENDING' || status === 'UNAVAILABLE';

/**
 * When a provider is called next, ISO 8601: not before the job's next attempt, because providers that are due within half a
 * minute of each other are called together.
 */
export const nextTryOf = (job: Job, provider: ProviderState): string | undefined => {
  const { status, phase, nextAttemptAt } = job;
  if (status !== 'PENDING' || phase !== 'FETCHING' || nextAttemptAt === null || !isAwaited(provider)) return undefined;
  const providerNextAt = provider.nextAttemptAt ?? nextAttemptAt;
  return providerNextAt > nextAttemptAt ? providerNextAt : nextAttemptAt;
};

/** Why a job waits. `next` is the kind of call that it waits for. */
type Reason = Pick<Explanation, 'tone' | 'text'> & { next: 'try' | 'check' | 'poll' };

const explainCallback = ({ job, receiver }: Context): Reason => {
  if (job.callbackDeferred) return deferralReason(job.callbackDeferred, receiver, 'callbacks');
  const calls = failedCallbacks(job.attempts);
  if (calls.length === 0) return { tone: 'warn', next: 'try', text: `Collected: waiting to call back ${receiver}` };
  return { tone: 'warn', next: 'try', text: `Callback: ${receiver} ${repeatedly(calls)}` };
};

const explainFetching = (context: Context): Reason => {
  const waiting = context.job.providers.filter(isAwaited);
  const [first, ...others] = waiting;
  if (!first) return { tone: 'warn', next: 'try', text: 'Waiting to be continued' };
  if (others.length === 0) return explainProvider(first, context);
  const reasons = waiting.map((provider) => ({ provider, reason: explainProvider(provider, context) }));
  const texts = reasons.map(({ provider }) => `${provider.providerId} (${briefly(provider)})`);
  const common = (['poll', 'check'] as const).find((next) => reasons.every(({ reason }) => reason.next === next));
  return {
    tone: reasons.every(({ reason }) => reason.tone === 'pending') ? 'pending' : 'warn',
    next: common ?? 'try',
    text: `Waiting for ${listOf(texts)}`,
  };
};

/** The state of a provider without data, in two or three words. */
export const briefly = ({ status, workingSince, deferred, error }: ProviderState): string => {
  if (deferred) return deferralText(deferred);
  if (workingSince !== undefined) return 'still working';
  return error === undefined || status === 'PENDING' ? 'not called yet' : shortFailure(error);
};

const explainProvider = (provider: ProviderState, { job, when }: Context): Reason => {
  const { providerId, workingSince, polls = 0, deferred, error, failedAttempts = 0 } = provider;
  if (deferred) return deferralReason(deferred, providerId, 'providers');
  if (failedAttempts === 0 && workingSince !== undefined) {
    const polled = polls === 0 ? '' : `, polled ${timesOf(polls)}`;
    return {
      tone: 'pending',
      next: 'poll',
      text: `${providerId} has been working on it since ${when(workingSince)}${polled}`,
    };
  }
  if (!error || (failedAttempts === 0 && provider.status === 'PENDING')) {
    return { tone: 'warn', next: 'try', text: `Waiting for ${providerId}: not called yet` };
  }
  const how = failingText(failedFetches(job.attempts, providerId), failedAttempts, error, when);
  return { tone: 'warn', next: 'try', text: `Waiting for ${providerId}: ${how}` };
};

/** `503 since 10:14`, `failing since 10:14, last with 503`. @param failures those in the log, which keeps only the last attempts */
const failingText = (
  failures: { at: string; call: Call }[],
  failedAttempts: number,
  last: CallFailure,
  when: Context['when'],
): string => {
  const [first] = failures;
  if (!first) return shortFailure(last);
  const since = `since ${failedAttempts > failures.length ? 'before ' : ''}${when(first.at)}`;
  const isSame = failures.every(({ call }) => shortFailure(call) === shortFailure(last));
  return isSame ? `${shortFailure(last)} ${since}` : `failing ${since}, last with ${shortFailure(last)}`;
};

const deferralReason = (deferral: Deferral, name: string, kind: 'providers' | 'callbacks'): Reason => {
  const { class: reason, cause } = deferral;
  const texts: Record<string, string> = {
    circuit_open: `Deferred: the circuit of ${name} is open${cause ? ` after ${manyOf(cause)}` : ''}`,
    limit_reached: `Deferred: ${name} is at its limit of calls`,
    paused: `Paused: operators have paused calls to ${kind === 'providers' ? 'providers' : 'receivers'}`,
  };
  const text = Object.hasOwn(texts, reason) ? texts[reason] : undefined;
  return { tone: 'warn', next: 'check', text: text ?? `Deferred: ${name}, ${shortFailure(deferral)}` };
};

const deferralText = (deferral: Deferral): string =>
  deferral.class === 'circuit_open' && deferral.cause
    ? `circuit open after ${manyOf(deferral.cause)}`
    : shortFailure(deferral);

/** `503s`, or `failures (timeout)`. */
const manyOf = (failure: CallFailure): string =>
  failure.class === 'bad_status' && failure.statusCode !== undefined
    ? `${failure.statusCode}s`
    : `failures (${shortFailure(failure)})`;

/** `answered 500 three times`, `failed 3 times, last with 503`. */
const repeatedly = (calls: Call[]): string => {
  const last = calls.at(-1) ?? {};
  const isSame = calls.every((call) => shortFailure(call) === shortFailure(last));
  if (calls.length === 1) return describeFailedCall(last);
  return isSame
    ? `${describeFailedCall(last)} ${timesOf(calls.length)}`
    : `failed ${timesOf(calls.length)}, last with ${shortFailure(last)}`;
};

/** Attempts since the last redrive, which begins a new schedule. */
const sinceRedrive = (attempts: Attempt[]): Attempt[] =>
  attempts.slice(Math.max(0, attempts.map(({ trigger }) => trigger).lastIndexOf('redrive')));

const failedCallbacks = (attempts: Attempt[]): Call[] =>
  sinceRedrive(attempts).flatMap(({ callback }) => (callback?.status === 'FAILED' ? [callback] : []));

/** The failures of a provider since its last success or redrive, oldest first. */
const failedFetches = (attempts: Attempt[], providerId: string): { at: string; call: Call }[] => {
  const calls = sinceRedrive(attempts).flatMap(({ startedAt, fetches }) =>
    fetches.flatMap((call) => (call.providerId === providerId ? [{ at: call.startedAt ?? startedAt, call }] : [])),
  );
  return calls.slice(calls.findLastIndex(({ call }) => call.status === 'OK' || call.class === 'still_working') + 1);
};

const WORDS = ['', 'once', 'twice', 'three times', 'four times', 'five times'];
const timesOf = (count: number): string => WORDS[count] ?? `${count} times`;

const list = new Intl.ListFormat('en-GB');
export const listOf = (texts: string[]): string => list.format(texts);

/** `10:14` for a time today, `2026-01-31 10:14` for another, in the browser's time zone. */
const clockOf = (iso: string, now: number): string => {
  const [date = '', time = ''] = formatLocal(iso).split(' ');
  const [today] = formatLocal(new Date(now).toISOString()).split(' ');
  const clock = time.slice(0, 5);
  return date === today ? clock : `${date} ${clock}`;
};

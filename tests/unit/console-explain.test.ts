import { failureClassSchema } from '@boomerang/core/contracts/task-failure.ts';
import { describe, expect, test } from '@jest/globals';
import type { Attempt, Deferral, Job, ProviderState } from '../../console/api-types.ts';
import { formatLocal } from '../../console/format.ts';
import { explain, nextTryOf } from '../../console/job/explain.ts';
import { longFailure, shortFailure } from '../../console/job/failure-words.ts';

/** Local, as the console shows times. */
const day = new Date(2026, 0, 15);
const at = (time: string): string => {
  const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate(), hours, minutes, seconds).toISOString();
};
const now = Date.parse(at('10:20'));
type Failed = NonNullable<Job['failure']>;

const jobOf = (change: Partial<Job> = {}): Job => ({
  jobId: '0b8f2a34-0000-4000-8000-000000000000',
  status: 'PENDING',
  phase: 'FETCHING',
  callbackUrl: 'https://example.com:8443/complete?***',
  providers: [{ providerId: 'gas', status: 'PENDING' }],
  attempts: [],
  nextAttemptAt: null,
  createdAt: at('10:00'),
  updatedAt: at('10:14'),
  endedAt: null,
  deadlineAt: at('22:00'),
  links: { self: '/jobs/1', data: '/jobs/1/data' },
  ...change,
});

const attemptOf = (startedAt: string, change: Partial<Attempt> = {}): Attempt => ({
  number: 1,
  trigger: 'scheduled',
  startedAt: at(startedAt),
  endedAt: at(startedAt),
  fetches: [],
  callback: null,
  nextAttemptAt: null,
  ...change,
});
const failedFetch = (startedAt: string, statusCode = 503, providerId = 'gas'): Attempt =>
  attemptOf(startedAt, { fetches: [{ providerId, status: 'FAILED', class: 'bad_status', statusCode }] });
const failedCallback = (startedAt: string, statusCode = 500): Attempt =>
  attemptOf(startedAt, { callback: { status: 'FAILED', class: 'bad_status', statusCode } });
const unavailable = (change: Partial<ProviderState> = {}): ProviderState => ({
  providerId: 'gas',
  status: 'UNAVAILABLE',
  error: { class: 'bad_status', statusCode: 503 },
  failedAttempts: 1,
  nextAttemptAt: at('10:24'),
  ...change,
});
const fetched: ProviderState = { providerId: 'internet', status: 'FETCHED', fetchedAt: at('10:01'), bytes: 12 };
const waiting = { nextAttemptAt: at('10:24') };
const callingBack: Partial<Job> = { phase: 'CALLING_BACK', providers: [fetched], ...waiting };

const textOf = (change: Partial<Job>): string => explain(jobOf(change), now).text;

describe('a pending job', () => {
  test('is in progress while an execution holds it', () => {
    expect(textOf({})).toBe('In progress: calling gas');
    expect(
      textOf({ providers: [{ providerId: 'gas', status: 'PENDING' }, fetched, unavailable({ providerId: 'tv' })] }),
    ).toBe('In progress: calling gas and tv');
    expect(textOf({ phase: 'CALLING_BACK', providers: [fetched] })).toBe('In progress: calling back example.com:8443');
    expect(explain(jobOf(), now).tone).toBe('pending');
  });

  test('states why, since when and until when it waits for a provider', () => {
    const job = jobOf({ ...waiting, providers: [unavailable()], attempts: [failedFetch('10:14')] });
    expect(explain(job, now)).toEqual({
      tone: 'warn',
      text: 'Waiting for gas: 503 since 10:14, next try 10:24',
      nextAt: at('10:24'),
    });
  });

  test('dates failures from the first of the current run', () => {
    const ok = attemptOf('10:02', { fetches: [{ providerId: 'gas', status: 'OK', statusCode: 200 }] });
    const attempts = [failedFetch('10:01'), ok, failedFetch('10:05'), failedFetch('10:14')];
    expect(textOf({ ...waiting, providers: [unavailable()], attempts })).toMatch('503 since 10:05');
  });

  test('dates failures from the last redrive at the earliest', () => {
    const redriven: Attempt = { ...failedFetch('10:14'), trigger: 'redrive' };
    expect(textOf({ ...waiting, providers: [unavailable()], attempts: [failedFetch('10:01'), redriven] })).toMatch(
      '503 since 10:14',
    );
  });

  test('says "before" when failures began before the oldest logged attempt', () => {
    const providers = [unavailable({ failedAttempts: 21 })];
    expect(textOf({ ...waiting, providers, attempts: [failedFetch('10:14')] })).toMatch('503 since before 10:14');
  });

  test('distinguishes different failures', () => {
    const attempts = [failedFetch('10:05', 500), failedFetch('10:14')];
    expect(textOf({ ...waiting, providers: [unavailable()], attempts })).toBe(
      'Waiting for gas: failing since 10:05, last with 503, next try 10:24',
    );
  });

  test('names every provider that it waits for', () => {
    const providers = [
      unavailable(),
      fetched,
      unavailable({ providerId: 'tv', error: { class: 'timeout' } }),
      { providerId: 'water', status: 'PENDING' as const },
    ];
    expect(textOf({ ...waiting, providers })).toBe(
      'Waiting for gas (503), tv (timeout) and water (not called yet), next try 10:24',
    );
  });

  test('waits for a provider that was not called yet', () => {
    expect(textOf(waiting)).toBe('Waiting for gas: not called yet, next try 10:24');
  });

  test('waits for a provider that is still working', () => {
    const working = unavailable({
      failedAttempts: 0,
      error: { class: 'still_working' },
      workingSince: at('10:02'),
      polls: 2,
    });
    const job = jobOf({ ...waiting, providers: [working] });
    expect(explain(job, now).text).toBe('gas has been working on it since 10:02, polled twice, next poll 10:24');
    expect(explain(job, now).tone).toBe('pending');
  });

  test.each([
    [
      { class: 'circuit_open', cause: { class: 'bad_status', statusCode: 503 } },
      'Deferred: the circuit of gas is open after 503s, next check 10:24',
    ],
    [
      { class: 'circuit_open', cause: { class: 'timeout' } },
      'Deferred: the circuit of gas is open after failures (timeout), next check 10:24',
    ],
    [{ class: 'circuit_open' }, 'Deferred: the circuit of gas is open, next check 10:24'],
    [{ class: 'limit_reached' }, 'Deferred: gas is at its limit of calls, next check 10:24'],
    [{ class: 'paused' }, 'Paused: operators have paused calls to providers, next check 10:24'],
    [{ class: 'constructor' }, 'Deferred: gas, constructor, next check 10:24'],
  ])('says why a call is deferred: %j', (deferred, text) => {
    expect(textOf({ ...waiting, providers: [unavailable({ deferred: deferred as Deferral })] })).toBe(text);
  });

  test('says how often the callback failed', () => {
    expect(textOf({ ...callingBack, attempts: [failedCallback('10:10')] })).toBe(
      'Callback: example.com:8443 answered 500, next try 10:24',
    );
    const attempts = [failedCallback('10:10'), failedCallback('10:12'), failedCallback('10:14')];
    expect(textOf({ ...callingBack, attempts })).toBe(
      'Callback: example.com:8443 answered 500 three times, next try 10:24',
    );
    const refused = attemptOf('10:15', { callback: { status: 'FAILED', class: 'connection_refused' } });
    expect(textOf({ ...callingBack, attempts: [...attempts, refused] })).toBe(
      'Callback: example.com:8443 failed four times, last with connection refused, next try 10:24',
    );
    expect(textOf({ ...callingBack, attempts: [refused] })).toBe(
      'Callback: example.com:8443 failed (connection refused), next try 10:24',
    );
  });

  test('says why the callback is deferred', () => {
    const callbackDeferred: Deferral = { class: 'circuit_open', cause: { class: 'bad_status', statusCode: 502 } };
    expect(textOf({ ...callingBack, callbackDeferred })).toBe(
      'Deferred: the circuit of example.com:8443 is open after 502s, next check 10:24',
    );
    expect(textOf({ ...callingBack, callbackDeferred: { class: 'paused' } })).toBe(
      'Paused: operators have paused calls to receivers, next check 10:24',
    );
  });

  test('has its data and waits for its first callback', () => {
    expect(textOf(callingBack)).toBe('Collected: waiting to call back example.com:8443, next try 10:24');
  });

  test('is due, then overdue', () => {
    expect(textOf({ nextAttemptAt: at('10:19') })).toBe('Waiting for gas: not called yet, due now');
    const overdue = explain(jobOf({ nextAttemptAt: at('10:17') }), now);
    expect(overdue).toEqual({ tone: 'bad', text: 'Overdue: should have run 3 min ago. Do the sweeps run?' });
  });

  test('shows the date of times on other days', () => {
    const tomorrow = new Date(now + 24 * 3_600_000).toISOString();
    expect(textOf({ nextAttemptAt: tomorrow })).toBe(
      `Waiting for gas: not called yet, next try ${formatLocal(tomorrow).slice(0, 16)}`,
    );
  });
});

describe('a job that ended', () => {
  test('was delivered', () => {
    expect(explain(jobOf({ status: 'COMPLETE', endedAt: at('10:00:03'), providers: [fetched] }), now)).toEqual({
      tone: 'good',
      text: 'Delivered at 10:00, 3.0 s after it was posted',
    });
  });

  test('was partly delivered: says what is missing and why', () => {
    const refused: ProviderState = {
      providerId: 'tv',
      status: 'REFUSED',
      error: { class: 'bad_status', statusCode: 404 },
    };
    const ended = { status: 'PARTIAL', endedAt: at('10:18') } as const;
    expect(textOf({ ...ended, providers: [fetched, refused] })).toBe('Partly delivered at 10:18: tv refused with 404');
    expect(textOf({ ...ended, providers: [refused, unavailable()] })).toBe(
      'Partly delivered at 10:18: tv refused with 404 and gas (503) gave no data by the deadline',
    );
    const deferred: Deferral = { class: 'circuit_open', cause: { class: 'bad_status', statusCode: 503 } };
    expect(textOf({ ...ended, providers: [unavailable({ deferred })] })).toBe(
      'Partly delivered at 10:18: gas (circuit open after 503s) gave no data by the deadline',
    );
  });

  test.each([
    ['CALLBACK_GONE', [failedCallback('10:10', 410)], 'Failed: example.com:8443 answered 410 Gone'],
    [
      'CALLBACK_GONE',
      [failedCallback('10:10', 500)],
      'Failed: example.com:8443 answered 500 and asked for no further tries',
    ],
    ['CALLBACK_GONE', [], 'Failed: example.com:8443 declined further callbacks'],
    [
      'CALLBACK_EXHAUSTED',
      [failedCallback('10:10'), failedCallback('10:11')],
      'Failed: example.com:8443 answered 500 twice, no try is left',
    ],
    ['CALLBACK_EXHAUSTED', [], 'Failed: The message.'],
    ['CALLBACK_TOO_LARGE', [], 'Failed: the results are too large for one callback'],
    ['CLIENT_REVOKED', [], 'Failed: its client was revoked, so nothing is delivered'],
    ['NEVER_SETTLED', [], 'Failed: no execution reported an outcome. Its logs say why'],
    ['RESULT_MISSING', [], 'Failed: a collected result is no longer stored; a redrive fetches it again'],
    ['OF_A_LATER_VERSION', [], 'Failed: The message'],
  ])('failed: %s', (code, attempts, text) => {
    const failure = { code, message: 'The message.' } as Failed;
    expect(textOf({ status: 'FAILED', phase: 'CALLING_BACK', failure, attempts, endedAt: at('10:18') })).toBe(text);
  });

  test('failed while its callback was deferred', () => {
    const failure: Failed = { code: 'CALLBACK_EXHAUSTED', message: 'The callback was still deferred at its deadline.' };
    const callbackDeferred: Deferral = { class: 'circuit_open', cause: { class: 'timeout' } };
    expect(textOf({ status: 'FAILED', failure, callbackDeferred })).toBe(
      'Failed: the callback to example.com:8443 was still deferred at its deadline (circuit open after failures (timeout))',
    );
  });

  test('was cancelled; its data was deleted', () => {
    expect(textOf({ status: 'CANCELLED', endedAt: at('10:18') })).toBe('Cancelled at 10:18');
    expect(textOf({ status: 'CANCELLED', endedAt: at('10:18'), expungedAt: at('10:19') })).toBe(
      'Cancelled at 10:18. Its data was deleted at 10:19',
    );
  });
});

describe('the next try of a provider', () => {
  const early = unavailable({ nextAttemptAt: at('10:23') });
  const late = unavailable({ nextAttemptAt: at('10:40') });

  test('is its own, but not before the job is due', () => {
    expect(nextTryOf(jobOf(waiting), late)).toBe(at('10:40'));
    expect(nextTryOf(jobOf(waiting), early)).toBe(at('10:24'));
    expect(nextTryOf(jobOf(waiting), { providerId: 'gas', status: 'PENDING' })).toBe(at('10:24'));
  });

  test('is none once it has answered, while the job is in progress, and after the deadline', () => {
    expect(nextTryOf(jobOf(waiting), fetched)).toBeUndefined();
    expect(nextTryOf(jobOf(), late)).toBeUndefined();
    expect(nextTryOf(jobOf(callingBack), late)).toBeUndefined();
    expect(nextTryOf(jobOf({ ...waiting, status: 'CANCELLED' }), late)).toBeUndefined();
  });
});

describe('the words for failures', () => {
  test.each(failureClassSchema.options)('%s has a short and a long form', (name) => {
    expect(shortFailure({ class: name })).not.toMatch(/_/);
    expect(longFailure({ class: name })).toMatch(/^[A-Z].*\.$/);
  });

  test('name the status code where there is one', () => {
    expect(shortFailure({ class: 'bad_status', statusCode: 503 })).toBe('503');
    expect(shortFailure({ class: 'error_in_body', statusCode: 200 })).toBe('200, error in the body');
    expect(shortFailure({ statusCode: 500 })).toBe('500');
  });

  test('fall back to the class itself', () => {
    expect(shortFailure({ class: 'of_a_later_version' })).toBe('of a later version');
    expect(shortFailure({})).toBe('unknown error');
    expect(longFailure({ class: 'toString' })).toBeUndefined();
  });
});

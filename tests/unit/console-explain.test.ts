import { failureClassSchema } from '@boomerang/core/contracts/task-failure.ts';
import { describe, expect, test } from '@jest/globals';
import type { Attempt, Deferral, Job, ProviderState } from '../../console/api-types.ts';
import { formatLocal } from '../../console/format.ts';
import { explain, nextTryOf } from '../../console/job/explain.ts';
import { longFailure, shortFailure } from '../../console/job/failure-words.ts';

/** In local time, as the console shows it. */
const day = new Date(2026, 0, 15);
const timeOf = (time: string): string => {
  const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate(), hours, minutes, seconds).toISOString();
};
const now = Date.parse(timeOf('10:20'));
type JobFailure = NonNullable<Job['failure']>;

const jobOf = (change: Partial<Job> = {}): Job => ({
  jobId: '0b8f2a34-0000-4000-8000-000000000000',
  status: 'PENDING',
  phase: 'FETCHING',
  callbackUrl: 'https://example.com:8443/complete?***',
  providers: [{ providerId: 'gas', status: 'PENDING' }],
  attempts: [],
  nextAttemptAt: null,
  createdAt: timeOf('10:00'),
  updatedAt: timeOf('10:14'),
  endedAt: null,
  deadlineAt: timeOf('22:00'),
  links: { self: '/jobs/1', data: '/jobs/1/data' },
  ...change,
});

const attemptOf = (startedAt: string, change: Partial<Attempt> = {}): Attempt => ({
  number: 1,
  trigger: 'scheduled',
  startedAt: timeOf(startedAt),
  endedAt: timeOf(startedAt),
  fetches: [],
  callback: null,
  nextAttemptAt: null,
  ...change,
});
const failedFetch = (startedAt: string, statusCode = 503, providerId = 'gas'): Attempt =>
  attemptOf(startedAt, { fetches: [{ providerId, status: 'FAILED', class: 'bad_status', statusCode }] });
const failedCallback = (startedAt: string, statusCode = 500): Attempt =>
  attemptOf(startedAt, { callback: { status: 'FAILED', class: 'bad_status', statusCode } });
const unavailableProvider = (change: Partial<ProviderState> = {}): ProviderState => ({
  providerId: 'gas',
  status: 'UNAVAILABLE',
  error: { class: 'bad_status', statusCode: 503 },
  failedAttempts: 1,
  nextAttemptAt: timeOf('10:24'),
  ...change,
});
const fetchedProvider: ProviderState = {
  providerId: 'internet',
  status: 'FETCHED',
  fetchedAt: timeOf('10:01'),
  bytes: 12,
};
const dueLater = { nextAttemptAt: timeOf('10:24') };
const inCallback: Partial<Job> = { phase: 'CALLING_BACK', providers: [fetchedProvider], ...dueLater };

const textOf = (change: Partial<Job>): string => explain(jobOf(change), now).text;

describe('a pending job', () => {
  test('is shown as in progress while an execution holds it', () => {
    expect(textOf({})).toBe('In progress: calling gas');
    expect(
      textOf({
        providers: [
          { providerId: 'gas', status: 'PENDING' },
          fetchedProvider,
          unavailableProvider({ providerId: 'tv' }),
        ],
      }),
    ).toBe('In progress: calling gas and tv');
    expect(textOf({ phase: 'CALLING_BACK', providers: [fetchedProvider] })).toBe(
      'In progress: calling back example.com:8443',
    );
    expect(explain(jobOf(), now).tone).toBe('pending');
  });

  test('states why and since when it waits for a provider, and the next try', () => {
    const job = jobOf({ ...dueLater, providers: [unavailableProvider()], attempts: [failedFetch('10:14')] });
    expect(explain(job, now)).toEqual({
      tone: 'warn',
      text: 'Waiting for gas: 503 since 10:14, next try 10:24',
      nextAt: timeOf('10:24'),
    });
  });

  test('dates failures from the first one since the last success', () => {
    const ok = attemptOf('10:02', { fetches: [{ providerId: 'gas', status: 'OK', statusCode: 200 }] });
    const attempts = [failedFetch('10:01'), ok, failedFetch('10:05'), failedFetch('10:14')];
    expect(textOf({ ...dueLater, providers: [unavailableProvider()], attempts })).toMatch('503 since 10:05');
  });

  test('dates failures from the last redrive at the earliest', () => {
    const redriveAttempt: Attempt = { ...failedFetch('10:14'), trigger: 'redrive' };
    expect(
      textOf({ ...dueLater, providers: [unavailableProvider()], attempts: [failedFetch('10:01'), redriveAttempt] }),
    ).toMatch('503 since 10:14');
  });

  test('states "before" when failures began before the oldest logged attempt', () => {
    const providers = [unavailableProvider({ failedAttempts: 21 })];
    expect(textOf({ ...dueLater, providers, attempts: [failedFetch('10:14')] })).toMatch('503 since before 10:14');
  });

  test('states that failures differ, and the last one', () => {
    const attempts = [failedFetch('10:05', 500), failedFetch('10:14')];
    expect(textOf({ ...dueLater, providers: [unavailableProvider()], attempts })).toBe(
      'Waiting for gas: failing since 10:05, last with 503, next try 10:24',
    );
  });

  test('names every provider that it waits for', () => {
    const providers = [
      unavailableProvider(),
      fetchedProvider,
      unavailableProvider({ providerId: 'tv', error: { class: 'timeout' } }),
      { providerId: 'water', status: 'PENDING' as const },
    ];
    expect(textOf({ ...dueLater, providers })).toBe(
      'Waiting for gas (503), tv (timeout) and water (not called yet), next try 10:24',
    );
  });

  test('states that a provider was not called yet', () => {
    expect(textOf(dueLater)).toBe('Waiting for gas: not called yet, next try 10:24');
  });

  test('states since when a provider has been working, and the polls', () => {
    const workingProvider = unavailableProvider({
      failedAttempts: 0,
      error: { class: 'still_working' },
      workingSince: timeOf('10:02'),
      polls: 2,
    });
    const job = jobOf({ ...dueLater, providers: [workingProvider] });
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
  ])('states why a call is deferred: %j', (deferred, text) => {
    expect(textOf({ ...dueLater, providers: [unavailableProvider({ deferred: deferred as Deferral })] })).toBe(text);
  });

  test('states how often the callback failed', () => {
    expect(textOf({ ...inCallback, attempts: [failedCallback('10:10')] })).toBe(
      'Callback: example.com:8443 answered 500, next try 10:24',
    );
    const attempts = [failedCallback('10:10'), failedCallback('10:12'), failedCallback('10:14')];
    expect(textOf({ ...inCallback, attempts })).toBe(
      'Callback: example.com:8443 answered 500 three times, next try 10:24',
    );
    const refusedCallback = attemptOf('10:15', { callback: { status: 'FAILED', class: 'connection_refused' } });
    expect(textOf({ ...inCallback, attempts: [...attempts, refusedCallback] })).toBe(
      'Callback: example.com:8443 failed four times, last with connection refused, next try 10:24',
    );
    expect(textOf({ ...inCallback, attempts: [refusedCallback] })).toBe(
      'Callback: example.com:8443 failed (connection refused), next try 10:24',
    );
  });

  test('states why the callback is deferred', () => {
    const callbackDeferred: Deferral = { class: 'circuit_open', cause: { class: 'bad_status', statusCode: 502 } };
    expect(textOf({ ...inCallback, callbackDeferred })).toBe(
      'Deferred: the circuit of example.com:8443 is open after 502s, next check 10:24',
    );
    expect(textOf({ ...inCallback, callbackDeferred: { class: 'paused' } })).toBe(
      'Paused: operators have paused calls to receivers, next check 10:24',
    );
  });

  test('states that its data is collected before the first callback', () => {
    expect(textOf(inCallback)).toBe('Collected: waiting to call back example.com:8443, next try 10:24');
  });

  test('is shown as due, and later as overdue', () => {
    expect(textOf({ nextAttemptAt: timeOf('10:19') })).toBe('Waiting for gas: not called yet, due now');
    const overdue = explain(jobOf({ nextAttemptAt: timeOf('10:17') }), now);
    expect(overdue).toEqual({ tone: 'bad', text: 'Overdue: should have run 3 min ago. Do the sweeps run?' });
  });

  test('shows the date of times on other days', () => {
    const tomorrow = new Date(now + 24 * 3_600_000).toISOString();
    expect(textOf({ nextAttemptAt: tomorrow })).toBe(
      `Waiting for gas: not called yet, next try ${formatLocal(tomorrow).slice(0, 16)}`,
    );
  });
});

describe('a job that has ended', () => {
  test('states when it was delivered', () => {
    expect(
      explain(jobOf({ status: 'COMPLETE', endedAt: timeOf('10:00:03'), providers: [fetchedProvider] }), now),
    ).toEqual({
      tone: 'good',
      text: 'Delivered at 10:00, 3.0 s after it was posted',
    });
  });

  test('does not count the time before a redrive as time to delivery', () => {
    const attempts: Attempt[] = [
      {
        number: 2,
        trigger: 'redrive',
        startedAt: timeOf('10:05'),
        endedAt: timeOf('10:05:01'),
        fetches: [],
        callback: null,
        nextAttemptAt: null,
      },
    ];
    expect(textOf({ status: 'COMPLETE', endedAt: timeOf('10:05:01'), attempts })).toBe(
      'Delivered at 10:05, after a redrive',
    );
  });

  test('states what is missing from a partial delivery, and why', () => {
    const refusedProvider: ProviderState = {
      providerId: 'tv',
      status: 'REFUSED',
      error: { class: 'bad_status', statusCode: 404 },
    };
    const partial = { status: 'PARTIAL', endedAt: timeOf('10:18') } as const;
    expect(textOf({ ...partial, providers: [fetchedProvider, refusedProvider] })).toBe(
      'Partly delivered at 10:18: tv refused with 404',
    );
    expect(textOf({ ...partial, providers: [refusedProvider, unavailableProvider()] })).toBe(
      'Partly delivered at 10:18: tv refused with 404 and gas (503) gave no data by the deadline',
    );
    const deferred: Deferral = { class: 'circuit_open', cause: { class: 'bad_status', statusCode: 503 } };
    expect(textOf({ ...partial, providers: [unavailableProvider({ deferred })] })).toBe(
      'Partly delivered at 10:18: gas (circuit open after 503s) gave no data by the deadline',
    );
  });

  test.each([
    ['CALLBACK_GONE', [failedCallback('10:10', 410)], 'Failed: example.com:8443 answered 410 Gone'],
    [
      'CALLBACK_GONE',
      [failedCallback('10:10', 500)],
      'Failed: example.com:8443 answered 500 and declined further callbacks',
    ],
    ['CALLBACK_GONE', [], 'Failed: example.com:8443 declined further callbacks'],
    [
      'CALLBACK_EXHAUSTED',
      [failedCallback('10:10'), failedCallback('10:11')],
      'Failed: example.com:8443 answered 500 twice, and no retries are left',
    ],
    ['CALLBACK_EXHAUSTED', [], 'Failed: The message.'],
    ['CALLBACK_TOO_LARGE', [], 'Failed: the results are too large for one callback'],
    ['CLIENT_REVOKED', [], 'Failed: its client was revoked, so nothing is delivered'],
    ['NEVER_SETTLED', [], 'Failed: no execution reported an outcome. Its logs say why'],
    ['RESULT_MISSING', [], 'Failed: a collected result is no longer stored; a redrive fetches it again'],
    ['OF_A_LATER_VERSION', [], 'Failed: The message'],
  ])('states why it failed: %s', (code, attempts, text) => {
    const failure = { code, message: 'The message.' } as JobFailure;
    expect(textOf({ status: 'FAILED', phase: 'CALLING_BACK', failure, attempts, endedAt: timeOf('10:18') })).toBe(text);
  });

  test('states that its callback was deferred until the deadline', () => {
    const failure: JobFailure = {
      code: 'CALLBACK_EXHAUSTED',
      message: 'The callback was still deferred at its deadline.',
    };
    const callbackDeferred: Deferral = { class: 'circuit_open', cause: { class: 'timeout' } };
    expect(textOf({ status: 'FAILED', failure, callbackDeferred })).toBe(
      'Failed: the callback to example.com:8443 was still deferred at its deadline (circuit open after failures (timeout))',
    );
  });

  test('states when it was cancelled, and when its data was deleted', () => {
    expect(textOf({ status: 'CANCELLED', endedAt: timeOf('10:18') })).toBe('Cancelled at 10:18');
    expect(textOf({ status: 'CANCELLED', endedAt: timeOf('10:18'), expungedAt: timeOf('10:19') })).toBe(
      'Cancelled at 10:18. Its data was deleted at 10:19',
    );
  });
});

describe('the next try of a provider', () => {
  const earlyProvider = unavailableProvider({ nextAttemptAt: timeOf('10:23') });
  const lateProvider = unavailableProvider({ nextAttemptAt: timeOf('10:40') });

  test('is the time of the provider, but not before the job is due', () => {
    expect(nextTryOf(jobOf(dueLater), lateProvider)).toBe(timeOf('10:40'));
    expect(nextTryOf(jobOf(dueLater), earlyProvider)).toBe(timeOf('10:24'));
    expect(nextTryOf(jobOf(dueLater), { providerId: 'gas', status: 'PENDING' })).toBe(timeOf('10:24'));
  });

  test('is undefined once the provider has answered, while the job is in progress, and after the job has ended', () => {
    expect(nextTryOf(jobOf(dueLater), fetchedProvider)).toBeUndefined();
    expect(nextTryOf(jobOf(), lateProvider)).toBeUndefined();
    expect(nextTryOf(jobOf(inCallback), lateProvider)).toBeUndefined();
    expect(nextTryOf(jobOf({ ...dueLater, status: 'CANCELLED' }), lateProvider)).toBeUndefined();
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

  test('fall back to the name of the class', () => {
    expect(shortFailure({ class: 'of_a_later_version' })).toBe('of a later version');
    expect(shortFailure({})).toBe('unknown error');
    expect(longFailure({ class: 'toString' })).toBeUndefined();
  });
});

import { describe, expect, test } from '@jest/globals';
import type { JobSummary, Provider, Stats, StatusCounts } from '../../console/api-types.ts';
import { barsOf, niceMax } from '../../console/bars.ts';
import { curlOf } from '../../console/curl.ts';
import {
  formatBytes,
  formatClock,
  formatCountdown,
  formatDuration,
  formatRelative,
  formatShare,
  plural,
} from '../../console/format.ts';
import { describeRequest, filterParams, filterQuery, parseFilter, redriveRequest } from '../../console/job-filter.ts';
import { mergeRows, runForEach } from '../../console/job-list.ts';
import { nextDelayMs } from '../../console/polling.ts';
import { startOf } from '../../console/ranges.ts';
import { describeRecentCalls } from '../../console/recent-calls.ts';
import { hrefTo, parseRoute, splitKey } from '../../console/router.ts';
import { verdictOf } from '../../console/verdict.ts';

const NOW = Date.parse('2026-01-31T12:00:30Z');
const NONE: StatusCounts = { PENDING: 0, COMPLETE: 0, PARTIAL: 0, FAILED: 0, CANCELLED: 0 };

describe('formatted values', () => {
  test.each([
    [0, '0 ms'],
    [840, '840 ms'],
    [3_290, '3.2 s'],
    [42_900, '42 s'],
    [192_000, '3:12'],
    [2 * 3_600_000 + 5 * 60_000, '2 h 5 min'],
    [3 * 86_400_000, '3 d'],
    [-5, '0 ms'],
  ])('%d ms is formatted as %s', (ms, expected) => {
    expect(formatDuration(ms)).toBe(expected);
  });

  test.each([
    [0, '0:00'],
    [-1, '0:00'],
    [7_000, '0:07'],
    [6_100, '0:07'],
    [3_600_000, '1 h'],
  ])('a countdown of %d ms is formatted as %s', (ms, expected) => {
    expect(formatCountdown(ms)).toBe(expected);
  });

  test.each([
    [NOW, 'just now'],
    [NOW - 12_000, '12 s ago'],
    [NOW - 240_000, '4 min ago'],
    [NOW + 7_200_000, 'in 2 h'],
  ])('the time %d is formatted as %s', (at, expected) => {
    expect(formatRelative(at, NOW)).toBe(expected);
  });

  test('a share is formatted as 100 % only if it is 1', () => {
    expect([1, 0.99999, 0.976, 0].map(formatShare)).toEqual(['100 %', '99.9 %', '97.6 %', '0 %']);
  });

  test('counts and sizes have units', () => {
    expect([plural(1, 'job'), plural(12_345, 'job')]).toEqual(['1 job', '12,345 jobs']);
    expect([formatBytes(812), formatBytes(4_301), formatBytes(1_048_576)]).toEqual(['812 B', '4.2 KiB', '1.0 MiB']);
  });
});

describe('routes', () => {
  test.each([
    ['', 'overview', {}],
    ['#/', 'overview', {}],
    ['#/jobs?status=FAILED,PARTIAL', 'jobs', { status: 'FAILED,PARTIAL' }],
    ['#/jobs/a%20b?tab=data', 'job', { id: 'a b', tab: 'data' }],
    ['#/jobs/%', 'job', { id: '%' }],
    ['#/redrives/1', 'redrive', { id: '1' }],
    ['#/nowhere', 'unknown', {}],
  ])('the hash %j is the page %s', (hash, page, params) => {
    expect(parseRoute(hash)).toMatchObject({ page, params });
  });

  test('omit parameters that are undefined or empty', () => {
    expect(hrefTo('/jobs', { status: 'FAILED', from: undefined, providerId: '' })).toBe('#/jobs?status=FAILED');
    expect(hrefTo('/jobs')).toBe('#/jobs');
  });

  test.each([
    ['#key=a+b/c=', 'a+b/c=', '#/'],
    ['#/jobs/1?key=a+b&tab=data', 'a+b', '#/jobs/1?tab=data'],
    ['#/jobs?status=FAILED', undefined, '#/jobs?status=FAILED'],
  ])('are split into the API key and the remaining hash: %s', (hash, key, rest) => {
    expect(splitKey(hash)).toEqual({ key, rest });
  });
});

describe('filters', () => {
  test('are parsed from route parameters, and converted to route and query parameters', () => {
    const filter = parseFilter({ status: 'FAILED,NONSENSE,PARTIAL', providerId: 'gas', from: '2026-01-01T00:00:00Z' });
    expect(filterParams(filter)).toMatchObject({ status: 'PARTIAL,FAILED', providerId: 'gas' });
    expect(filterQuery(filter)).toEqual({
      status: 'PARTIAL,FAILED',
      providerId: 'gas',
      from: '2026-01-01T00:00:00Z',
    });
  });

  test('have no status if inTrouble is set, and no times if a range is set', () => {
    expect(parseFilter({ status: 'FAILED', inTrouble: 'true' })).toEqual({ statuses: [], inTrouble: true });
    expect(parseFilter({ range: 'hour', from: '2026-01-01T00:00:00Z' })).toEqual({
      statuses: [],
      inTrouble: false,
      range: 'hour',
    });
    expect(parseFilter({ range: 'constructor', from: 'yesterday' })).toEqual({ statuses: [], inTrouble: false });
  });

  test('begin a range at a full minute', () => {
    expect(startOf('hour', NOW)).toBe('2026-01-31T11:00:00.000Z');
  });

  test('become redrive requests for failed and partial jobs only', () => {
    expect(redriveRequest(parseFilter({}), NOW)).toEqual({ status: ['FAILED', 'PARTIAL'] });
    expect(redriveRequest(parseFilter({ status: 'FAILED,PENDING', providerId: 'gas', range: 'hour' }), NOW)).toEqual({
      status: ['FAILED'],
      providerId: 'gas',
      from: '2026-01-31T11:00:00.000Z',
    });
    expect(redriveRequest(parseFilter({ inTrouble: 'true' }), NOW)).toEqual({ inTrouble: true });
    expect(redriveRequest(parseFilter({ status: 'COMPLETE' }), NOW)).toBeUndefined();
  });

  test('are described in words', () => {
    expect(describeRequest({ status: ['FAILED', 'PARTIAL'], providerId: 'gas', failureCode: 'CALLBACK_GONE' })).toBe(
      'Failed and partial jobs of gas (receiver gone (410))',
    );
    expect(describeRequest({ inTrouble: true })).toBe('Pending jobs in trouble');
    expect(describeRequest({ inTrouble: true, from: '1970-01-01T00:00:00.000Z' })).toBe('Pending jobs in trouble');
  });
});

describe('rows', () => {
  const row = (jobId: string, status: JobSummary['status'] = 'PENDING') => ({ jobId, status }) as JobSummary;

  test('are replaced by the rows of a fresh page, and older rows are kept', () => {
    const rows = mergeRows([row('c'), row('b'), row('a')], [row('d'), row('c', 'COMPLETE')], false);
    expect(rows.map(({ jobId }) => jobId)).toEqual(['d', 'c', 'b', 'a']);
    expect(rows[1]?.status).toBe('COMPLETE');
  });

  test('are only those of the fresh page if it does not overlap, so that there is no gap', () => {
    expect(mergeRows([row('b'), row('a')], [row('z'), row('y')], false)).toEqual([row('z'), row('y')]);
  });

  test('that no longer match the filter are dropped', () => {
    expect(mergeRows([row('b'), row('a')], [row('b')], true)).toEqual([row('b')]);
    expect(mergeRows([row('b'), row('a')], [], true)).toEqual([]);
  });

  test('are all processed, even if one fails', async () => {
    const progress: number[] = [];
    const act = async (id: string) => {
      if (id === 'b') throw new Error('no');
    };
    const { succeeded, errors } = await runForEach(['a', 'b', 'c', 'd', 'e', 'f'], act, (done) => progress.push(done));
    expect([succeeded, errors]).toEqual([5, [new Error('no')]]);
    expect(progress).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe('bars', () => {
  test('have a round number as their maximum', () => {
    expect([0, 4, 5, 11, 120, 1_501].map(niceMax)).toEqual([4, 4, 5, 15, 150, 2_000]);
  });

  test('show one failure among thousands, and do not exceed their height', () => {
    const { bars, max } = barsOf([{ from: '', ...NONE, COMPLETE: 9_999, FAILED: 1, PENDING: 1 }], 100);
    expect(max).toBe(15_000);
    const [bar] = bars;
    expect(bar?.segments.map(({ status }) => status)).toEqual(['COMPLETE', 'FAILED', 'PENDING']);
    expect(bar?.segments[1]?.height).toBeCloseTo(2.5);
    const highestBar = barsOf([{ from: '', ...NONE, COMPLETE: 9_999, FAILED: 1 }], 100).bars[0];
    expect(Math.min(...(highestBar?.segments.map(({ y }) => y) ?? []))).toBeGreaterThanOrEqual(0);
  });
});

describe('the verdict', () => {
  const stats = (change: Partial<Stats> & { totals?: StatusCounts }): Stats => ({
    from: '',
    to: '',
    bucket: 'hour',
    buckets: [],
    totals: NONE,
    deliveredShare: null,
    timeToCallbackMs: null,
    oldestPendingAt: null,
    inTrouble: 0,
    truncated: false,
    ...change,
  });
  const linesOf = (change: Partial<Stats>, providers?: Provider[]) => {
    const { tone, parts, detail } = verdictOf(stats(change), 'day', providers, NOW);
    return [tone, parts.map(({ text }) => text).join(' · '), detail];
  };

  test('is good if no job failed', () => {
    const totals = { ...NONE, COMPLETE: 120, PENDING: 2 };
    expect(linesOf({ totals, oldestPendingAt: '2026-01-31T12:00:10Z' }, [{ id: 'gas', circuit: 'closed' }])).toEqual([
      'good',
      'All is well',
      '120 jobs delivered in the last 24 hours, none failed; 2 jobs waiting, the oldest for 20 s.',
    ]);
  });

  test('lists problems by severity', () => {
    const totals = { ...NONE, COMPLETE: 3, FAILED: 1, PARTIAL: 2, PENDING: 4 };
    expect(linesOf({ totals, inTrouble: 2 }, [{ id: 'gas', circuit: 'open' }]).slice(0, 2)).toEqual([
      'bad',
      '1 job failed · provider gas is failing · 2 jobs in trouble · 2 jobs delivered in part',
    ]);
  });

  test('is a warning if a pending job is in trouble', () => {
    expect(linesOf({ totals: { ...NONE, PENDING: 1 }, inTrouble: 1 })[0]).toBe('warn');
  });

  test('is idle if there are no jobs', () => {
    expect(linesOf({})).toEqual(['idle', 'No jobs in the last 24 hours', 'No job is waiting, and nothing is wrong.']);
  });
});

describe('polls', () => {
  test('are sent at their interval, later after each failure, and not before Retry-After', () => {
    const delays = [0, 1, 2, 3, 10].map((failures) => nextDelayMs({ everyMs: 3_000, failures }));
    expect(delays).toEqual([3_000, 6_000, 12_000, 24_000, 60_000]);
    expect(nextDelayMs({ everyMs: 3_000, failures: 1, retryAfterMs: 30_000 })).toBe(30_000);
  });
});

describe('the curl command for a first job', () => {
  test('has providers without required parameters, and the local receiver', () => {
    const providers: Provider[] = [
      { id: 'reports', parameters: { type: 'object', required: ['taxId'] } },
      { id: 'gas' },
    ];
    expect(curlOf('http://127.0.0.1:3000', providers)).toContain(
      `-d '{"providers":["gas"],"callbackUrl":"http://127.0.0.1:3000/complete"}'`,
    );
  });

  test('has placeholders for parameters if each provider requires some', () => {
    const providers: Provider[] = [
      {
        id: 'reports',
        parameters: { type: 'object', required: ['taxId'], properties: { taxId: { type: 'string' } } },
      },
    ];
    expect(curlOf('https://api.example.com', providers)).toContain(
      `'{"providers":[{"id":"reports","parameters":{"taxId":"…"}}],"callbackUrl":"https://example.com/callback"}'`,
    );
  });
});

describe('the recent calls of a provider', () => {
  const since = '2026-01-31T12:00:00.000Z';
  const from = formatClock(since);

  test.each([
    [{ calls: 40, failures: 3, since }, `3 of 40 calls failed (7.5 %) since ${from}.`],
    [{ calls: 1, failures: 1, since }, `1 of 1 call failed (100 %) since ${from}.`],
    [{ calls: 12_000, failures: 0, since }, `0 of 12,000 calls failed (0 %) since ${from}.`],
    [{ calls: 0, failures: 0, since }, `A call failed recently. No calls counted since ${from}.`],
    [{ calls: 0, failures: 0 }, 'No recent failures other than refusals.'],
  ])('%j are described as "%s"', (recentCalls, text) => {
    expect(describeRecentCalls(recentCalls)).toBe(text);
  });
});

import { describe, expect, test } from '@jest/globals';
import { POLLED } from './catalogues.ts';
import { toTrace } from './history.ts';
import { findViolations } from './invariants.ts';
import { PAGED } from './paged-provider.ts';
import { PLANTED_BUGS, type PlantedBug } from './planted-bugs.ts';
import { START, simulate } from './world.ts';

const SEEDS = Number(process.env.SIMULATION_SEEDS ?? 200);
const MAX_SEEDS_PER_BUG = 500;

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test(`no invariant is violated in ${SEEDS} seeds`, async () => {
  for (const seed of numbers(SEEDS)) {
    expect({ seed, violations: findViolations(await simulate(seed)) }).toEqual({ seed, violations: [] });
  }
}, 1_000_000);

test('a seed always gives the same history', async () => {
  for (const seed of [5, 12, 80]) {
    const [first, second] = [await simulate(seed), await simulate(seed)];
    expect(toTrace(first.history, START)).toEqual(toTrace(second.history, START));
    expect(first.history.events.length).toBeGreaterThan(20);
  }
}, 60_000);

test('200 seeds cover every outcome of jobs and every kind of fault', async () => {
  const ends = new Set<string>();
  const excuses = new Set<string>();
  /** The outcomes of polls. */
  const polls = new Set<string>();
  const pages = new Set<string>();
  /** The outcomes of jobs that do not fit the catalogue. */
  const misfits = new Set<string>();
  for (const seed of numbers(200)) {
    const { jobs, history } = await simulate(seed);
    for (const { status, failure, attemptLog, results } of jobs.values()) {
      ends.add(failure ? `${status} ${failure.code}` : status);
      const fetches = attemptLog.flatMap((attempt) => attempt.fetches);
      for (const { providerId, class: failureClass, statusCode } of fetches) {
        if (providerId === POLLED) polls.add(failureClass ?? 'OK');
        if (providerId === PAGED) pages.add(failureClass ?? 'OK');
        if (failureClass === 'ticket_lost' && statusCode === undefined) misfits.add('another origin');
        if (failureClass === 'bad_parameter' || failureClass === 'unknown_provider') misfits.add(failureClass);
      }
      for (const result of results) if (result.status === 'REFUSED') misfits.add(`refused: ${result.error.class}`);
    }
    for (const event of history.events) {
      if (event.kind === 'fault' && event.excuse) excuses.add(event.excuse);
      if (event.kind === 'polled') polls.add(event.response);
    }
  }
  const wanted = ['COMPLETE', 'PARTIAL', 'CANCELLED', 'FAILED CALLBACK_GONE', 'FAILED CALLBACK_EXHAUSTED'];
  expect([...ends]).toEqual(expect.arrayContaining(wanted));
  const responses = ['RUNNING', 'DONE', 'FAILED', 'ODD', '404'];
  const classes = ['OK', 'still_working', 'work_failed', 'bad_polling', 'ticket_lost', 'polling_timeout'];
  expect([...polls]).toEqual(expect.arrayContaining([...responses, ...classes]));
  const walks = ['OK', 'bad_page', 'too_many_pages', 'bad_status', 'timeout', 'connection_broken'];
  expect([...pages]).toEqual(expect.arrayContaining(walks));
  const unfit = ['bad_parameter', 'unknown_provider'];
  expect([...misfits]).toEqual(
    expect.arrayContaining(['another origin', ...unfit, ...unfit.map((failureClass) => `refused: ${failureClass}`)]),
  );
  expect([...excuses].sort()).toEqual(['crash', 'killed', 'not kept', 'response lost', 'restarted', 'timed out']);
}, 100_000);

describe('the simulation finds the planted bug', () => {
  test.each(Object.keys(PLANTED_BUGS) as PlantedBug[])(
    '%s',
    async (bug) => {
      const findSeed = async () => {
        for (const seed of numbers(MAX_SEEDS_PER_BUG)) {
          if (findViolations(await simulate(seed, bug)).length > 0) return seed;
        }
        return undefined;
      };
      expect(await findSeed()).toBeDefined();
    },
    100_000,
  );
});

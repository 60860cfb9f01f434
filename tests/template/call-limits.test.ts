import { readdirSync, readFileSync } from 'node:fs';
import { CALL_LIMITS } from '@boomerang/core/adapters/aws-clients.ts';
import { describe, expect, test } from '@jest/globals';
import { readTemplate, resourcesOf } from '../../local/template.ts';

type LimitName = keyof typeof CALL_LIMITS;

/**
 * The longest row of calls that a function makes one after the other, each at its limit; `workMs` is what it does besides, at
 * its own limit. A call that fails mostly ends the row: those are rows of calls that all succeed at the last moment, or whose
 * failure is put up with.
 */
const LONGEST: Record<string, { calls: LimitName[]; workMs?: number }> = {
  // Authenticates, stores over an expired job of the same key, can't start the execution, gives the claim back.
  webhook: { calls: ['api', 'api', 'api', 'api', 'start', 'release'] },
  'job-read': { calls: ['api', 'api', 'api'] },
  // Authenticates, reads the circuits.
  'catalogue-read': { calls: ['api', 'api'] },
  'job-cancel': { calls: ['api', 'api', 'api'] },
  'job-expunge': { calls: ['api', 'api', 'api', 'api'] },
  // Authenticates, reads the job, finds and renews its results, writes it, can't start the execution, gives the claim back.
  'job-redrive': { calls: ['api', 'api', 'api', 'api', 'api', 'start', 'release'] },
  // Authenticates, keeps the redrive before, stores this one, reserves a sweep.
  redrives: { calls: ['api', 'api', 'api', 'api', 'start'] },
  complete: { calls: ['secrets'] },
  health: { calls: ['health'] },
  // Can't read the circuits, calls, can't count the call, stores the result. A secret that can't be read ends the row at once.
  'provider-fetch': { calls: ['fetch', 'fetch', 'fetch'], workMs: 15_000 },
  // What is read beforehand may take 5 s, or the call is not made. Counts the call, stores the end, tells operators.
  'callback-deliver': { calls: ['deliver', 'deliver', 'events'], workMs: 5_000 + 15_000 },
  // What begins at the last moment of a pass: a page, a claim, its client, the end of a job that is given up, an event; then
  // the trace of the sweep.
  'job-claim': { calls: ['sweep', 'sweep', 'sweep', 'sweep', 'events', 'sweep'], workMs: 20_000 },
  // Reads the job, stores the chunks of a result one by one, stores the outcome, tells operators.
  'job-settle': { calls: ['settle', 'settle', 'settle', 'settle', 'settle', 'events'] },
  // What begins at the last moment of a pass: the claim of a redrive, a page, a job, its reset, where the redrive stands.
  'redrive-run': { calls: ['sweep', 'sweep', 'sweep', 'sweep', 'sweep'], workMs: 10_000 },
};

const template = readTemplate('template.yaml');
const timeoutMs = (stem: string): number => {
  const [, { Properties } = {}] =
    resourcesOf(template, 'AWS::Serverless::Function').find(
      ([, { Properties }]) => Properties?.CodeUri === `functions/${stem}`,
    ) ?? [];
  return Number(Properties?.Timeout ?? template.Globals.Function.Timeout) * 1000;
};
const sourceOf = (stem: string): string => readFileSync(`functions/${stem}/handler.ts`, 'utf8');
const stems = readdirSync('functions').filter((stem) => /new \w+Client\(/.test(sourceOf(stem)));

test('LONGEST has an entry for each function that calls AWS', () => {
  const missing = stems.filter((stem) => !(stem in LONGEST));
  expect(missing.map((stem) => `LONGEST in tests/template/call-limits.test.ts has no ${stem}`)).toEqual([]);
});

describe.each(stems)('%s', (stem) => {
  const { calls, workMs = 0 } = LONGEST[stem] ?? { calls: [] };

  test('makes no client without time limits, and uses those that are added up here', () => {
    const clients = sourceOf(stem).match(/new \w+Client\(/g) ?? [];
    const limited = [...sourceOf(stem).matchAll(/new \w+Client\(timeLimited\(CALL_LIMITS\.(\w+)\)\)/g)];
    expect(limited).toHaveLength(clients.length);
    const used = new Set(limited.map(([, name]) => name));
    for (const call of calls) expect(used).toContain(call);
  });

  test('ends before its Timeout, though each call takes as long as it may', () => {
    const callsMs = calls.reduce((sum, name) => sum + CALL_LIMITS[name].totalMs, 0);
    expect(callsMs).toBeGreaterThan(0);
    expect(callsMs + workMs).toBeLessThan(timeoutMs(stem));
  });

  test('is not brought to its Timeout by one dependency that hangs', () => {
    for (const name of new Set(calls)) {
      expect(CALL_LIMITS[name].totalMs).toBeLessThanOrEqual(timeoutMs(stem) / 4);
    }
  });
});

test('no limit allows an attempt more time than the whole call', () => {
  for (const { attemptMs, totalMs } of Object.values(CALL_LIMITS)) expect(attemptMs).toBeLessThanOrEqual(totalMs);
});

test('what is put up with after a job is stored takes less than 4 seconds', () => {
  expect(CALL_LIMITS.start.totalMs + CALL_LIMITS.release.totalMs).toBeLessThan(4_000);
});

test('API Gateway waits longer than any function behind it takes', () => {
  const behind = resourcesOf(template, 'AWS::Serverless::Function').filter(([, { Properties }]) => Properties?.Events);
  for (const [, { Properties }] of behind) {
    expect(timeoutMs(String(Properties?.CodeUri).replace('functions/', ''))).toBeLessThanOrEqual(30_000);
  }
});

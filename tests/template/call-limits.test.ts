import { readdirSync, readFileSync } from 'node:fs';
import { CALL_LIMITS } from '@boomerang/core/adapters/aws-clients.ts';
import { describe, expect, test } from '@jest/globals';
import { readTemplate, resourcesOf } from '../../local/template.ts';

type LimitName = keyof typeof CALL_LIMITS;

/**
 * The longest sequence of calls that a function makes; `workMs` limits its other work. Most failed calls end a sequence, so
 * every call here succeeds at its time limit or fails in a way that the function tolerates.
 */
const LONGEST: Record<string, { calls: LimitName[]; workMs?: number }> = {
  // Authenticates, replaces an expired job of the same key, fails to start the execution, releases the claim.
  webhook: { calls: ['api', 'api', 'api', 'api', 'start', 'release'] },
  'job-read': { calls: ['api', 'api', 'api'] },
  // Authenticates, reads the circuits, reads their tallies.
  'catalogue-read': { calls: ['api', 'api', 'api'] },
  // Authenticates, lists the clients, counts jobs for a while, counts once more.
  clients: { calls: ['api', 'api', 'api'], workMs: 3_000 },
  'job-cancel': { calls: ['api', 'api', 'api'] },
  'job-expunge': { calls: ['api', 'api', 'api', 'api'] },
  // Authenticates, reads the job, finds and renews its results, writes it, fails to start the execution, releases the claim.
  'job-redrive': { calls: ['api', 'api', 'api', 'api', 'api', 'start', 'release'] },
  // Authenticates, keeps the previous redrive, stores this one, reserves a sweep.
  redrives: { calls: ['api', 'api', 'api', 'api', 'start'] },
  complete: { calls: ['secrets'] },
  health: { calls: ['health'] },
  // Fails to read the circuits, calls, fails to count the call, stores the result. An unreadable secret ends the sequence.
  'provider-fetch': { calls: ['fetch', 'fetch', 'fetch'], workMs: 15_000 },
  // Calls only if its reads took at most 5 s. Counts the call, stores the outcome, publishes an event.
  'callback-deliver': { calls: ['deliver', 'deliver', 'events'], workMs: 5_000 + 15_000 },
  // Starts at the end of a pass: reads a page, claims, reads the client, stores an abandoned job, publishes an event; then
  // records the sweep.
  'job-claim': { calls: ['sweep', 'sweep', 'sweep', 'sweep', 'events', 'sweep'], workMs: 20_000 },
  // Reads the job, stores the chunks of a result one by one, stores the outcome, publishes an event.
  'job-settle': { calls: ['settle', 'settle', 'settle', 'settle', 'settle', 'events'] },
  // Starts at the end of a pass: claims a redrive, reads a page, reads a job, resets it, stores the progress.
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
const CLIENT = /(?:new |createAwsClient\()\w+Client\b/;
const stems = readdirSync('functions').filter((stem) => CLIENT.test(sourceOf(stem)));

test('LONGEST has an entry for each function that calls AWS', () => {
  const missing = stems.filter((stem) => !(stem in LONGEST));
  expect(missing.map((stem) => `LONGEST in tests/template/call-limits.test.ts has no ${stem}`)).toEqual([]);
});

describe.each(Object.entries(LONGEST))('%s', (stem, { calls, workMs = 0 }) => {
  test('gives every client time limits, and uses those listed in LONGEST', () => {
    const clients = sourceOf(stem).match(new RegExp(CLIENT, 'g')) ?? [];
    const limited = [...sourceOf(stem).matchAll(/createAwsClient\(\w+Client, CALL_LIMITS\.(\w+)\)/g)];
    expect(limited).toHaveLength(clients.length);
    const used = new Set(limited.map(([, name]) => name));
    for (const call of calls) expect(used).toContain(call);
  });

  test('ends before its Timeout even if each call takes its maximum time', () => {
    const callsMs = calls.reduce((sum, name) => sum + CALL_LIMITS[name].totalMs, 0);
    expect(callsMs).toBeGreaterThan(0);
    expect(callsMs + workMs).toBeLessThan(timeoutMs(stem));
  });

  test('survives one hanging dependency: each call is limited to a quarter of the Timeout', () => {
    const tooLong = [...new Set(calls)].filter((name) => CALL_LIMITS[name].totalMs > timeoutMs(stem) / 4);
    expect(
      tooLong.map((name) => {
        const seconds = (4 * CALL_LIMITS[name].totalMs) / 1000;
        return `template.yaml: CALL_LIMITS.${name} needs a Timeout of functions/${stem} of at least ${seconds} s`;
      }),
    ).toEqual([]);
  });
});

test('no attempt has a longer limit than its call', () => {
  for (const { attemptMs, totalMs } of Object.values(CALL_LIMITS)) expect(attemptMs).toBeLessThanOrEqual(totalMs);
});

test('once a job is stored, failing to start its execution takes less than 4 seconds', () => {
  expect(CALL_LIMITS.start.totalMs + CALL_LIMITS.release.totalMs).toBeLessThan(4_000);
});

test('no function behind API Gateway outlasts its 30-second limit', () => {
  const routed = resourcesOf(template, 'AWS::Serverless::Function').filter(([, { Properties }]) => Properties?.Events);
  for (const [, { Properties }] of routed) {
    expect(timeoutMs(String(Properties?.CodeUri).replace('functions/', ''))).toBeLessThanOrEqual(30_000);
  }
});

import { readdirSync } from 'node:fs';
import type { Job } from '@boomerang/core/domain/job.ts';
import { expect } from '@jest/globals';

/** The job of the fixtures in `events/`: pending, claimed once, with an expired lease. */
export const FIXTURE_JOB_ID = '01a20b4c-cf47-716b-85d8-5343742576b8';

/** The outcome of invoking a fixture. */
export type Outcome = {
  result: Promise<unknown>;
  /** Reads the stored job afterwards. */
  readJob: () => Promise<Job | undefined>;
};

export type Expectation = (outcome: Outcome) => Promise<void>;

const answers =
  (statusCode: number): Expectation =>
  async ({ result }) =>
    void expect(await result).toMatchObject({ statusCode });
const throws =
  (name: string): Expectation =>
  async ({ result }) =>
    expect(result).rejects.toMatchObject({ name });
const returns =
  (value: object): Expectation =>
  async ({ result }) =>
    // {} would match any object.
    void (Object.keys(value).length === 0
      ? expect(await result).toEqual({})
      : expect(await result).toMatchObject(value));
const leaves =
  (job: object): Expectation =>
  async ({ result, readJob }) => {
    expect(await result).toEqual({});
    expect(await readJob()).toMatchObject(job);
  };

const waiting = { status: 'PENDING', dueAt: expect.any(Number) };

/** The expected outcome of each fixture in `events/`. */
export const expectations: Record<string, Expectation> = {
  'webhook/accepted': answers(202),
  'webhook/unknown-provider': answers(422),
  'webhook/not-json': answers(400),
  'webhook/with-parameters': answers(202),
  'webhook/wrong-parameter': answers(422),
  'webhook/with-metadata': answers(202),
  'webhook/wrong-metadata': answers(422),
  'complete/received': answers(200),
  'complete/with-metadata': answers(200),
  'complete/with-more-properties': answers(422),
  'health/ok': answers(200),
  'health/deep-before-any-sweep': answers(503),
  'api-docs/openapi': answers(200),
  'api-docs/docs': answers(200),
  'api-docs/renderer': answers(200),
  'api-docs/unknown-asset': answers(404),
  'console/page': answers(200),
  'console/not-modified': answers(304),
  'job-read/one': answers(200),
  'job-read/unknown': answers(404),
  'job-read/list': answers(200),
  'job-read/stats': answers(200),
  'job-read/in-trouble': answers(200),
  'job-read/data': answers(200),
  'catalogue-read/all': answers(200),
  'clients/me': answers(200),
  'clients/all': answers(403),
  'job-redrive/waiting': answers(202),
  'redrives/dry-run': answers(200),
  'redrives/in-trouble': answers(200),
  'redrives/all-failed': answers(202),
  'redrives/list': answers(200),
  'redrives/one': answers(404),
  'redrive-run/sweep': returns({}),
  'job-cancel/pending': answers(202),
  'job-expunge/pending': answers(409),
  'providers/list': answers(200),
  'providers/gas': answers(200),
  'providers/unknown': answers(404),
  'providers/account-bills': answers(200),
  'providers/account-bad-cursor': answers(400),
  'providers/account-unknown': answers(404),
  'providers/internet-bills': answers(200),
  'providers/token': answers(200),
  'providers/token-refused': answers(401),
  'providers/report-order': answers(202),
  'providers/report-order-without-token': answers(401),
  'providers/report': answers(200),
  'providers/reports-by-get': answers(405),
  'route-fallback/unknown-route': answers(404),
  'route-fallback/wrong-method': answers(405),
  'provider-fetch/gas': returns({ providerId: 'gas', status: 'FETCHED', json: '[]', bytes: 2 }),
  'provider-fetch/removed-from-catalogue': throws('ProviderThrottled'),
  'provider-fetch/lease-expired': throws('LeaseLost'),
  // Input from an execution of the previous version that was running during a deployment.
  'callback-deliver/version-1-payload': leaves({ status: 'COMPLETE', claimsSinceOutcome: 0 }),
  'job-settle/version-1-payload': leaves({ ...waiting, phase: 'FETCHING' }),
  'callback-deliver/all-fetched': leaves({ status: 'COMPLETE', claimsSinceOutcome: 0 }),
  'callback-deliver/with-metadata': leaves({ status: 'COMPLETE', claimsSinceOutcome: 0 }),
  'callback-deliver/deadline-with-one-unavailable': leaves({ status: 'PARTIAL' }),
  'callback-deliver/lease-expired': throws('LeaseLost'),
  'job-claim/first-pass': returns({ batches: [[{ jobId: FIXTURE_JOB_ID, claims: 2 }]], more: false, claimed: 1 }),
  'job-settle/provider-unavailable': leaves({ ...waiting, phase: 'FETCHING' }),
  'job-settle/with-parameters': leaves({ ...waiting, phase: 'FETCHING' }),
  'job-settle/working': leaves({
    ...waiting,
    phase: 'FETCHING',
    results: [{ status: 'FETCHED' }, { error: { class: 'still_working' }, ticket: { polls: 0 }, attempts: 0 }],
  }),
  'job-settle/callback-failed': leaves({ ...waiting, phase: 'CALLING_BACK', callbackAttempts: 1 }),
  'job-settle/outcome-not-saved': leaves({ status: 'COMPLETE' }),
};

/** Lists all fixtures as `<function>/<case>`. */
export const listFixtures = (): string[] =>
  readdirSync('events').flatMap((name) =>
    readdirSync(`events/${name}`).map((file) => `${name}/${file.replace('.json', '')}`),
  );

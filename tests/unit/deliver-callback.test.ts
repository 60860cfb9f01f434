import { readTaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import type { WorkedJob } from '@boomerang/core/contracts/worked-job.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import type { Job } from '@boomerang/core/domain/job.ts';
import { HttpFailure } from '@boomerang/core/ports/http.ts';
import { describe, expect, test } from '@jest/globals';
import { deliverCallback } from '../../functions/callback-deliver/deliver-callback.ts';
import {
  aJob,
  aLog,
  aWorkedJob,
  deferred,
  fetched,
  findClient,
  givenJob,
  NOW,
  notAttempted,
  refused,
  unavailable,
  unguarded,
  working,
} from '../builders.ts';
import { createFakeHttp, type ScriptedAnswer } from '../fakes/http.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';

const policy = { schedule: { stepsMs: [1_000] as const }, patienceMs: 600_000, retentionMs: 60_000 };

const createWorld = async (worked: WorkedJob, ...script: ScriptedAnswer[]) => {
  const store = createFakeJobStore();
  await givenJob(store, aJob({ jobId: worked.jobId, providers: worked.order }));
  const { send, requests } = createFakeHttp(...script);
  const log = aLog();
  const deps = { ...unguarded, ...store, findClient, send, now: () => NOW, log, policy, userAgent: 'Boomerang/1' };
  const deliver = () => deliverCallback(deps, worked);
  return { store, requests, deps, log, deliver };
};

describe('a callback', () => {
  test('is one POST of JSON, in the order of the request, to the address of the job', async () => {
    const worked = aWorkedJob({
      order: ['internet', 'gas'],
      results: [fetched('gas', '{"id":12345678901234567890}'), fetched('internet', '[1.10]')],
    });
    const { deliver, requests } = await createWorld(worked);
    await deliver();
    const at = new Date(NOW).toISOString();
    expect(requests).toEqual([
      {
        method: 'POST',
        url: worked.callbackUrl,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Boomerang/1',
          'webhook-id': worked.jobId,
          'webhook-timestamp': String(NOW / 1000),
          'webhook-signature': expect.stringMatching(/^v1,[\w+/]{43}=$/),
        },
        body: `{"jobId":"${worked.jobId}","data":[{"providerId":"internet","fetchedAt":"${at}","data":[1.10]},{"providerId":"gas","fetchedAt":"${at}","data":{"id":12345678901234567890}}]}`,
        isRepeatable: true,
        timeoutMs: 15_000,
        maxBytes: 16_384,
      },
    ]);
  });

  test('has an error in the place of what was refused or did not come', async () => {
    const worked = aWorkedJob({ final: true, results: [refused('gas'), unavailable('internet')] });
    const { deliver, requests, store } = await createWorld(worked);
    await deliver();
    expect(JSON.parse(requests[0]?.body ?? '').data).toEqual([
      { providerId: 'gas', error: { code: 'PROVIDER_REFUSED', message: expect.stringContaining('404') } },
      { providerId: 'internet', error: { code: 'PROVIDER_UNAVAILABLE', message: expect.stringContaining('500') } },
    ]);
    expect(store.jobs.get(worked.jobId)?.status).toBe('PARTIAL');
  });

  test('says of a provider that was working to the end that it still is', async () => {
    const worked = aWorkedJob({ final: true, results: [fetched('gas'), working('internet')] });
    const { deliver, requests, store } = await createWorld(worked);
    await deliver();
    const { message } = JSON.parse(requests[0]?.body ?? '').data[1].error;
    expect(message).toBe('The provider did not give its data in time (still_working).');
    expect(requests[0]?.body).not.toContain('example.com/work');
    expect(JSON.stringify(store.jobs.get(worked.jobId))).not.toContain('example.com/work');
  });

  test('has what earlier executions kept, and what was too large to travel', async () => {
    const { json: _, ...large } = fetched('internet');
    const worked = aWorkedJob({ providers: ['internet'], results: [large], checkpointed: true });
    const { deliver, requests, store } = await createWorld(worked);
    const gas = { providerId: 'gas', status: 'FETCHED' as const, fetchedAt: NOW, bytes: 5 };
    store.jobs.set(worked.jobId, aJob({ jobId: worked.jobId, results: [gas] }));
    await store.results.save(worked.jobId, 1, { ...gas, json: '"old"' }, NOW);
    await store.results.save(worked.jobId, 1, { ...gas, providerId: 'internet', json: '"large"' }, NOW);
    await deliver();
    expect(JSON.parse(requests[0]?.body ?? '').data).toMatchObject([{ data: 'old' }, { data: 'large' }]);
    expect(store.jobs.get(worked.jobId)).toMatchObject({ status: 'COMPLETE', fetchAttempts: 1, callbackAttempts: 1 });
  });

  test.each<[string, Partial<Job> | undefined]>([
    ['another claim has the job', { claims: 2 }],
    ['its claim is settled', { status: 'COMPLETE', leasedUntil: 0 }],
    ['the job is gone', undefined],
  ])('does not go out when the job is read, and %s: its results would be of another time', async (_case, change) => {
    const worked = aWorkedJob({ providers: ['internet'], results: [fetched('internet')], checkpointed: true });
    const { deliver, requests, store } = await createWorld(worked);
    const gas = { providerId: 'gas', status: 'FETCHED' as const, fetchedAt: NOW, bytes: 5 };
    await store.results.save(worked.jobId, 1, { ...gas, json: '"old"' }, NOW);
    const job = aJob({ jobId: worked.jobId, results: [gas], ...change });
    if (job.leasedUntil === 0) delete job.leasedUntil;
    if (change) store.jobs.set(worked.jobId, job);
    else store.jobs.delete(worked.jobId);
    await expect(deliver()).rejects.toMatchObject({ name: 'LeaseLost' });
    expect(requests).toEqual([]);
  });

  test('does not go out late: what our own tables took is not left for the call', async () => {
    const { deps, requests } = await createWorld(aWorkedJob());
    let now = NOW;
    const slow: typeof findClient = async (clientId) => {
      now += 6_000;
      return findClient(clientId);
    };
    const delivering = deliverCallback({ ...deps, findClient: slow, now: () => now }, aWorkedJob());
    await expect(delivering).rejects.toMatchObject({ name: 'CallbackNotSent' });
    expect(requests).toEqual([]);
  });

  test('does not go out when something that was given is not there', async () => {
    const { json: _, ...large } = fetched('internet');
    const { deliver, requests } = await createWorld(aWorkedJob({ results: [fetched('gas'), large] }));
    await expect(deliver()).rejects.toThrow('internet');
    expect(requests).toEqual([]);
  });

  test.each<[string, Partial<WorkedJob>, boolean]>([
    ['a provider has failed', { results: [fetched('gas'), unavailable('internet')] }, false],
    ['a provider is deferred', { results: [fetched('gas'), deferred('internet')] }, false],
    ['a provider is still working', { results: [fetched('gas'), working('internet')] }, false],
    ['a provider waits for a later time', { results: [fetched('gas')], isAnyWaiting: true }, false],
    [
      'the deadline has come, and a provider was not asked by a fault of ours',
      { final: true, results: [notAttempted('gas')] },
      false,
    ],
    [
      'the deadline has come',
      { final: true, isAnyWaiting: true, results: [fetched('gas'), unavailable('internet')] },
      true,
    ],
    [
      'the deadline has come, and a provider is still working',
      { final: true, results: [fetched('gas'), working('internet')] },
      true,
    ],
    ['all gave or refused', { results: [fetched('gas'), refused('internet')] }, true],
  ])('when %s, goes out: %p', async (_case, change, isSent) => {
    const { deliver, requests } = await createWorld(aWorkedJob(change));
    const name = await deliver().then(
      () => 'delivered',
      (error: Error) => error.name,
    );
    expect([name, requests.length]).toEqual(isSent ? ['delivered', 1] : ['CallbackNotSent', 0]);
  });

  test('that is larger than 10 MiB does not go out, for good', async () => {
    const json = `"${'x'.repeat(5 * 1024 * 1024)}"`;
    const worked = aWorkedJob({ results: [fetched('gas', json), fetched('internet', json)] });
    const { deliver, requests } = await createWorld(worked);
    await expect(deliver()).rejects.toMatchObject({ name: 'CallbackRejected', failure: { class: 'too_large' } });
    expect(requests).toEqual([]);
  });

  test('goes out while twenty seconds of the lease are left, and not later', async () => {
    const calls = async (leftMs: number) => {
      const { deliver, requests } = await createWorld(aWorkedJob({ leasedUntil: NOW + leftMs }));
      const name = await deliver().then(
        () => 'delivered',
        (error: Error) => error.name,
      );
      return [name, requests.length];
    };
    expect(await calls(20_000)).toEqual(['delivered', 1]);
    expect(await calls(19_999)).toEqual(['LeaseLost', 0]);
  });
});

describe('an answer', () => {
  const retry = { 'retry-after': '7' };
  test.each<[string, ScriptedAnswer, string, object]>([
    ['410', { statusCode: 410 }, 'CallbackRejected', { class: 'gone', statusCode: 410 }],
    ['410 with Retry-After', { statusCode: 410, headers: retry }, 'CallbackRejected', { class: 'gone' }],
    [
      '500 that aborts',
      { statusCode: 500, headers: { 'webhook-delivery': ' Abort-Message ' } },
      'CallbackRejected',
      { class: 'gone' },
    ],
    ['429', { statusCode: 429 }, 'CallbackThrottled', { class: 'bad_status', statusCode: 429 }],
    ['503', { statusCode: 503 }, 'CallbackThrottled', { class: 'bad_status', statusCode: 503 }],
    ['500 with Retry-After', { statusCode: 500, headers: retry }, 'CallbackThrottled', { retryAfterMs: 7_000 }],
    ['404 with Retry-After', { statusCode: 404, headers: retry }, 'CallbackThrottled', { retryAfterMs: 7_000 }],
    [
      '500 with a Retry-After that says nothing',
      { statusCode: 500, headers: { 'retry-after': 'about 5' } },
      'CallbackUnavailable',
      { class: 'bad_status' },
    ],
    ['408', { statusCode: 408 }, 'CallbackUnavailable', { statusCode: 408 }],
    ['425', { statusCode: 425 }, 'CallbackUnavailable', { statusCode: 425 }],
    ['502', { statusCode: 502 }, 'CallbackUnavailable', { statusCode: 502 }],
    ['301', { statusCode: 301, headers: { location: '/x' } }, 'CallbackRejected', { class: 'bad_status' }],
    ['404', { statusCode: 404 }, 'CallbackRejected', { class: 'bad_status' }],
    ['a time-out', new HttpFailure('timeout', 'TimeoutError', 15_000), 'CallbackUnavailable', { durationMs: 15_000 }],
    ['no name', new HttpFailure('dns', 'ENOTFOUND', 1), 'CallbackUnavailable', { class: 'dns' }],
    ['a broken connection', new HttpFailure('connection_broken', 'ECONNRESET', 1), 'CallbackUnavailable', {}],
    ['a bad certificate', new HttpFailure('tls', 'CERT_HAS_EXPIRED', 1), 'CallbackRejected', { class: 'tls' }],
  ])('of %s is one failed call, and leaves the job to whoever settles it', async (_name, answer, name, failure) => {
    const worked = aWorkedJob();
    const { deliver, requests, store } = await createWorld(worked, answer);
    const before = store.jobs.get(worked.jobId);
    const error = await deliver().catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ name });
    // What a Catch keeps of it is all that it knows.
    const Cause = JSON.stringify({ errorType: name, errorMessage: (error as Error).message, trace: [] });
    expect(readTaskFailure({ Error: name, Cause })).toMatchObject({ startedAt: NOW, ...failure });
    expect(requests).toHaveLength(1);
    expect(store.jobs.get(worked.jobId)).toEqual(before);
  });

  test.each([200, 201, 202, 204, 299])('of %i delivers, also when its body is not whole', async (statusCode) => {
    const worked = aWorkedJob();
    const bodyFailure = { class: 'connection_broken', message: 'ECONNRESET' } as const;
    const { deliver, store } = await createWorld(worked, { statusCode, bodyFailure });
    await deliver();
    expect(store.jobs.get(worked.jobId)).toMatchObject({
      status: 'COMPLETE',
      attemptLog: [{ callback: { status: 'OK', statusCode } }],
    });
  });

  test('is quoted to its first characters, and never logged', async () => {
    const { deliver, log } = await createWorld(aWorkedJob(), { statusCode: 500, body: Buffer.alloc(9_000, 'secret ') });
    const { message } = (await deliver().catch((thrown: unknown) => thrown as Error)) as Error;
    expect(Buffer.byteLength(message)).toBeLessThan(1_024);
    expect(message).toContain('secret');
    expect(JSON.stringify(log.lines)).not.toContain('secret');
  });
});

describe('a job that is delivered', () => {
  test('is never called again because its end could not be written', async () => {
    const { deps, requests } = await createWorld(aWorkedJob());
    const broken = { ...deps, outcomes: { save: async () => Promise.reject(new Error('down')) } };
    await expect(deliverCallback(broken, aWorkedJob())).rejects.toMatchObject({
      name: 'OutcomeNotSaved',
      failure: { class: 'internal', statusCode: 200 },
    });
    expect(requests).toHaveLength(1);
  });

  test('keeps the outcome of whoever was faster', async () => {
    const worked = aWorkedJob();
    const { deliver, store } = await createWorld(worked);
    const newer = aJob({ jobId: worked.jobId, claims: 2 });
    store.jobs.set(worked.jobId, newer);
    await expect(deliver()).resolves.toBeUndefined();
    expect(store.jobs.get(worked.jobId)).toEqual(newer);
    await expect(store.outcomes.save(worked.jobId, 1, {} as never)).rejects.toThrow(StaleClaim);
  });
});

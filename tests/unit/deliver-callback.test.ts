import { readTaskFailure } from '@boomerang/core/contracts/task-failure.ts';
import type { WorkedJob } from '@boomerang/core/contracts/worked-job.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import type { Job } from '@boomerang/core/domain/job.ts';
import type { FindClient } from '@boomerang/core/ports/clients.ts';
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
  NOW,
  notAttempted,
  refused,
  SECRET,
  storeJob,
  unavailable,
  unguarded,
  working,
} from '../builders.ts';
import { createFakeHttp, type ScriptedResponse } from '../fakes/http.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';

const policy = { schedule: { stepsMs: [1_000] as const }, patienceMs: 600_000, retentionMs: 60_000 };

const createWorld = async (worked: WorkedJob, ...script: ScriptedResponse[]) => {
  const store = createFakeJobStore();
  await storeJob(store, aJob({ jobId: worked.jobId, providers: worked.order }));
  const { send, requests } = createFakeHttp(...script);
  const log = aLog();
  const deps = { ...unguarded, ...store, findClient, send, now: () => NOW, log, policy, userAgent: 'Boomerang/1' };
  const deliver = () => deliverCallback(deps, worked);
  return { store, requests, deps, log, deliver };
};

describe('a callback', () => {
  test("is one POST of JSON to the job's callback URL, in the order of the request", async () => {
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

  test('has an error in place of a result that was refused or is missing', async () => {
    const worked = aWorkedJob({ final: true, results: [refused('gas'), unavailable('internet')] });
    const { deliver, requests, store } = await createWorld(worked);
    await deliver();
    expect(JSON.parse(requests[0]?.body ?? '').data).toEqual([
      { providerId: 'gas', error: { code: 'PROVIDER_REFUSED', message: expect.stringContaining('404') } },
      { providerId: 'internet', error: { code: 'PROVIDER_UNAVAILABLE', message: expect.stringContaining('500') } },
    ]);
    expect(store.jobs.get(worked.jobId)?.status).toBe('PARTIAL');
  });

  test('has an error that names a provider still working at the deadline', async () => {
    const worked = aWorkedJob({ final: true, results: [fetched('gas'), working('internet')] });
    const { deliver, requests, store } = await createWorld(worked);
    await deliver();
    const { message } = JSON.parse(requests[0]?.body ?? '').data[1].error;
    expect(message).toBe('The provider did not return its data in time (still_working).');
    expect(requests[0]?.body).not.toContain('example.com/work');
    expect(JSON.stringify(store.jobs.get(worked.jobId))).not.toContain('example.com/work');
  });

  test('contains results of earlier executions, and results too large for the state machine payload', async () => {
    const { json: _json, ...large } = fetched('internet');
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
  ])('is not sent when %s, since its results may be out of date', async (_case, change) => {
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

  test('is not sent when table accesses have used up the time for the call', async () => {
    const { deps, requests } = await createWorld(aWorkedJob());
    let now = NOW;
    const slowFindClient: typeof findClient = async (clientId) => {
      now += 6_000;
      return findClient(clientId);
    };
    const delivery = deliverCallback({ ...deps, findClient: slowFindClient, now: () => now }, aWorkedJob());
    await expect(delivery).rejects.toMatchObject({ name: 'CallbackNotSent' });
    expect(requests).toEqual([]);
  });

  test('is not sent when a fetched result is missing from storage', async () => {
    const { json: _json, ...large } = fetched('internet');
    const { deliver, requests } = await createWorld(aWorkedJob({ results: [fetched('gas'), large] }));
    await expect(deliver()).rejects.toThrow('internet');
    expect(requests).toEqual([]);
  });

  test.each<[string, boolean, Partial<WorkedJob>]>([
    ['a provider has failed', false, { results: [fetched('gas'), unavailable('internet')] }],
    ['a provider is deferred', false, { results: [fetched('gas'), deferred('internet')] }],
    ['a provider is still working', false, { results: [fetched('gas'), working('internet')] }],
    ['a provider waits for its retry time', false, { results: [fetched('gas')], isAnyWaiting: true }],
    [
      'the deadline has passed, but an internal fault kept a provider from being called',
      false,
      { final: true, results: [notAttempted('gas')] },
    ],
    [
      'the deadline has passed',
      true,
      { final: true, isAnyWaiting: true, results: [fetched('gas'), unavailable('internet')] },
    ],
    [
      'the deadline has passed, and a provider is still working',
      true,
      { final: true, results: [fetched('gas'), working('internet')] },
    ],
    ['all providers have succeeded or refused', true, { results: [fetched('gas'), refused('internet')] }],
  ])('when %s, is sent: %p', async (_case, isSent, change) => {
    const { deliver, requests } = await createWorld(aWorkedJob(change));
    const name = await deliver().then(
      () => 'delivered',
      (error: Error) => error.name,
    );
    expect([name, requests.length]).toEqual(isSent ? ['delivered', 1] : ['CallbackNotSent', 0]);
  });

  test('larger than 10 MiB is never sent', async () => {
    const json = `"${'x'.repeat(5 * 1024 * 1024)}"`;
    const worked = aWorkedJob({ results: [fetched('gas', json), fetched('internet', json)] });
    const { deliver, requests } = await createWorld(worked);
    await expect(deliver()).rejects.toMatchObject({ name: 'CallbackRejected', failure: { class: 'too_large' } });
    expect(requests).toEqual([]);
  });

  test('is sent only if the lease has at least twenty seconds left', async () => {
    const outcomeWith = async (leftMs: number) => {
      const { deliver, requests } = await createWorld(aWorkedJob({ leasedUntil: NOW + leftMs }));
      const name = await deliver().then(
        () => 'delivered',
        (error: Error) => error.name,
      );
      return [name, requests.length];
    };
    expect(await outcomeWith(20_000)).toEqual(['delivered', 1]);
    expect(await outcomeWith(19_999)).toEqual(['LeaseLost', 0]);
  });
});

describe("a client's headers", () => {
  const CREDENTIAL = 'Bearer gateway+token/ü-1234567890';
  const TOKEN = CREDENTIAL.slice('Bearer '.length);
  const withHeaders =
    (callbackHeaders: unknown, change: object = {}): FindClient =>
    async () => ({ secrets: [{ secret: SECRET }], callbackHeaders: callbackHeaders as [], ...change });

  const deliverWith = async (find: FindClient, ...script: ScriptedResponse[]) => {
    const worked = aWorkedJob();
    const world = await createWorld(worked, ...script);
    const error = await deliverCallback({ ...world.deps, findClient: find }, worked).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    return { ...world, worked, error };
  };

  test('are sent with our headers, and do not affect the signature', async () => {
    const headers = [
      { name: 'authorization', value: CREDENTIAL },
      { name: '__proto__', value: 'x' },
    ];
    const { requests, worked } = await deliverWith(withHeaders(headers));
    const { deliver, requests: withoutHeaders } = await createWorld(worked);
    await deliver();
    expect(requests).toHaveLength(1);
    expect(requests[0]?.body).toBe(withoutHeaders[0]?.body);
    const addedHeaders = JSON.parse(`{"authorization":${JSON.stringify(CREDENTIAL)},"__proto__":"x"}`);
    expect(Object.entries(requests[0]?.headers ?? {}).sort()).toEqual(
      [...Object.entries(addedHeaders), ...Object.entries(withoutHeaders[0]?.headers ?? {})].sort(),
    );
  });

  test("are those of the job's client", async () => {
    const clientIds: string[] = [];
    const { requests, worked } = await deliverWith(async (clientId) => {
      clientIds.push(clientId);
      return withHeaders([{ name: 'x-tenant', value: clientId }])(clientId);
    });
    expect(clientIds).toEqual([worked.clientId]);
    expect(requests[0]?.headers?.['x-tenant']).toBe(worked.clientId);
  });

  test.each<[string, unknown]>([
    ['a string instead of a list', 'authorization: swordfish'],
    ['a map instead of a list', { authorization: 'swordfish' }],
    ['null', null],
    ['a value that no header can carry', [{ name: 'x-a', value: 'swordfish\r\nx-b: c' }]],
    ['a value beyond Latin-1', [{ name: 'x-a', value: 'swordfish …' }]],
    ['the name of one of our headers', [{ name: 'Webhook-Signature', value: 'swordfish' }]],
    ['the name of a header of the HTTP client', [{ name: 'content-length', value: 'swordfish' }]],
    ['a missing value', [{ name: 'x-a' }]],
    ['too long a value', [{ name: 'x-a', value: 'swordfish'.repeat(1_000) }]],
  ])('with %s are an internal failure, and no callback is sent', async (_case, headers) => {
    const { requests, error, log, store, worked } = await deliverWith(withHeaders(headers));
    expect(error).toMatchObject({ name: 'CallbackNotSent', failure: { class: 'internal' } });
    expect(requests).toEqual([]);
    expect(store.jobs.get(worked.jobId)?.status).toBe('PENDING');
    expect(log.lines).toMatchObject([
      { level: 'error', message: 'Callback headers are invalid', data: { clientId: worked.clientId } },
    ]);
    expect(`${error?.message} ${JSON.stringify(log.lines)}`).not.toContain('swordfish');
  });

  test("that are invalid do not keep a revoked client's jobs from ending", async () => {
    const { error } = await deliverWith(withHeaders('corrupt', { revokedAt: NOW }));
    expect(error).toMatchObject({ name: 'CallbackRejected', failure: { class: 'client_revoked' } });
  });

  const bytes = Buffer.from(TOKEN);
  const latin1 = Buffer.from(TOKEN, 'latin1');
  test.each<[string, string | Buffer]>([
    ['raw', CREDENTIAL],
    ['in Latin-1', Buffer.from(CREDENTIAL, 'latin1')],
    ['in JSON', JSON.stringify({ authorization: CREDENTIAL }).replaceAll('/', '\\/')],
    ['in base64', bytes.toString('base64')],
    ['in base64 of Latin-1', latin1.toString('base64')],
    ['in base64url', bytes.toString('base64url')],
    ['in base64 amid other text', Buffer.from(`{"authorization":"${CREDENTIAL}"}`).toString('base64')],
    ['percent-encoded', encodeURIComponent(CREDENTIAL)],
    ['percent-encoded byte by byte', latin1.toString('hex').replaceAll(/../g, '%$&')],
    ['truncated', CREDENTIAL.slice(0, -6)],
  ])('in a response body (%s) are masked in every failure', async (_form, credentialText) => {
    const body = Buffer.concat([Buffer.from('refused: '), Buffer.from(credentialText as string)]);
    for (const statusCode of [301, 401, 403, 404, 410, 429, 500, 503]) {
      const { error, log } = await deliverWith(withHeaders([{ name: 'authorization', value: CREDENTIAL }]), {
        statusCode,
        headers: { 'content-type': Buffer.isBuffer(credentialText) ? 'text/plain; charset=iso-8859-1' : 'text/plain' },
        body,
      });
      const output = `${error?.message} ${JSON.stringify(log.lines)}`;
      expect(output).toContain('***');
      const spellings = [TOKEN, bytes.toString('base64'), bytes.toString('base64url'), latin1.toString('base64')];
      const pieces = spellings.flatMap((text) => [text.slice(0, 8), text.slice(4, 12), text.slice(8, 16)]);
      for (const piece of pieces) expect(decodeURIComponent(output.replaceAll('%FC', 'ü'))).not.toContain(piece);
    }
  });

  test('with Basic credentials have their user and password masked, too', async () => {
    const value = `Basic ${btoa('gateway-user:gateway-password')}`;
    const { error } = await deliverWith(withHeaders([{ name: 'authorization', value }]), {
      statusCode: 403,
      body: Buffer.from('gateway-user may not, with gateway-password'),
    });
    expect(JSON.parse(error?.message ?? '').excerpt).toBe('*** may not, with ***');
  });

  test.each([
    [401, 'CallbackRejected'],
    [403, 'CallbackRejected'],
    [407, 'CallbackRejected'],
  ])('do not change how a response of %i is judged', async (statusCode, name) => {
    const headers = withHeaders([{ name: 'authorization', value: CREDENTIAL }]);
    const { error, requests } = await deliverWith(headers, { statusCode });
    expect([error?.name, requests.length]).toEqual([name, 1]);
    const { deliver } = await createWorld(aWorkedJob(), { statusCode });
    await expect(deliver()).rejects.toMatchObject({ name });
  });
});

describe('a response', () => {
  const retryAfter = { 'retry-after': '7' };
  test.each<[string, ScriptedResponse, string, object]>([
    ['410', { statusCode: 410 }, 'CallbackRejected', { class: 'gone', statusCode: 410 }],
    ['410 with Retry-After', { statusCode: 410, headers: retryAfter }, 'CallbackRejected', { class: 'gone' }],
    [
      '500 with Webhook-Delivery: abort-message',
      { statusCode: 500, headers: { 'webhook-delivery': ' Abort-Message ' } },
      'CallbackRejected',
      { class: 'gone' },
    ],
    ['429', { statusCode: 429 }, 'CallbackThrottled', { class: 'bad_status', statusCode: 429 }],
    ['503', { statusCode: 503 }, 'CallbackThrottled', { class: 'bad_status', statusCode: 503 }],
    ['500 with Retry-After', { statusCode: 500, headers: retryAfter }, 'CallbackThrottled', { retryAfterMs: 7_000 }],
    ['404 with Retry-After', { statusCode: 404, headers: retryAfter }, 'CallbackThrottled', { retryAfterMs: 7_000 }],
    [
      '500 with a Retry-After that is invalid',
      { statusCode: 500, headers: { 'retry-after': 'about 5' } },
      'CallbackUnavailable',
      { class: 'bad_status' },
    ],
    ['408', { statusCode: 408 }, 'CallbackUnavailable', { statusCode: 408 }],
    ['425', { statusCode: 425 }, 'CallbackUnavailable', { statusCode: 425 }],
    ['502', { statusCode: 502 }, 'CallbackUnavailable', { statusCode: 502 }],
    ['301', { statusCode: 301, headers: { location: '/x' } }, 'CallbackRejected', { class: 'bad_status' }],
    ['404', { statusCode: 404 }, 'CallbackRejected', { class: 'bad_status' }],
    ['a timeout', new HttpFailure('timeout', 'TimeoutError', 15_000), 'CallbackUnavailable', { durationMs: 15_000 }],
    ['an unresolved host name', new HttpFailure('dns', 'ENOTFOUND', 1), 'CallbackUnavailable', { class: 'dns' }],
    ['a broken connection', new HttpFailure('connection_broken', 'ECONNRESET', 1), 'CallbackUnavailable', {}],
    ['a bad certificate', new HttpFailure('tls', 'CERT_HAS_EXPIRED', 1), 'CallbackRejected', { class: 'tls' }],
  ])('of %s is reported as one failed call, and leaves the job unchanged', async (_case, response, name, failure) => {
    const worked = aWorkedJob();
    const { deliver, requests, store } = await createWorld(worked, response);
    const storedJob = store.jobs.get(worked.jobId);
    const error = await deliver().catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ name });
    // A Catch of the state machine passes on only the error's name and cause.
    const Cause = JSON.stringify({ errorType: name, errorMessage: (error as Error).message, trace: [] });
    expect(readTaskFailure({ Error: name, Cause })).toMatchObject({ startedAt: NOW, ...failure });
    expect(requests).toHaveLength(1);
    expect(store.jobs.get(worked.jobId)).toEqual(storedJob);
  });

  test.each([200, 201, 202, 204, 299])(
    'of %i delivers the callback, also when its body is incomplete',
    async (statusCode) => {
      const worked = aWorkedJob();
      const bodyFailure = { class: 'connection_broken', message: 'ECONNRESET' } as const;
      const { deliver, store } = await createWorld(worked, { statusCode, bodyFailure });
      await deliver();
      expect(store.jobs.get(worked.jobId)).toMatchObject({
        status: 'COMPLETE',
        attemptLog: [{ callback: { status: 'OK', statusCode } }],
      });
    },
  );

  test('is excerpted in the failure, and never logged', async () => {
    const { deliver, log } = await createWorld(aWorkedJob(), { statusCode: 500, body: Buffer.alloc(9_000, 'secret ') });
    const { message } = (await deliver().catch((thrown: unknown) => thrown as Error)) as Error;
    expect(Buffer.byteLength(message)).toBeLessThan(1_024);
    expect(message).toContain('secret');
    expect(JSON.stringify(log.lines)).not.toContain('secret');
  });
});

describe('a delivered job', () => {
  test('is not delivered again when its outcome could not be written', async () => {
    const { deps, requests } = await createWorld(aWorkedJob());
    const failingDeps = { ...deps, outcomes: { save: async () => Promise.reject(new Error('down')) } };
    await expect(deliverCallback(failingDeps, aWorkedJob())).rejects.toMatchObject({
      name: 'OutcomeNotSaved',
      failure: { class: 'internal', statusCode: 200 },
    });
    expect(requests).toHaveLength(1);
  });

  test('keeps the outcome that was written first', async () => {
    const worked = aWorkedJob();
    const { deliver, store } = await createWorld(worked);
    const newer = aJob({ jobId: worked.jobId, claims: 2 });
    store.jobs.set(worked.jobId, newer);
    await expect(deliver()).resolves.toBeUndefined();
    expect(store.jobs.get(worked.jobId)).toEqual(newer);
    await expect(store.outcomes.save(worked.jobId, 1, {} as never)).rejects.toThrow(StaleClaim);
  });
});

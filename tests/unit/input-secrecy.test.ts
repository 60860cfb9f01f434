import './function-environment.ts';
import { inspect } from 'node:util';
import type { ClaimedJob } from '@boomerang/core/contracts/claimed-job.ts';
import type { OperatorEvent } from '@boomerang/core/contracts/operator-event.ts';
import type { ApiLambda } from '@boomerang/core/http/api-handler.ts';
import { HttpFailure, type SendHttp } from '@boomerang/core/ports/http.ts';
import { expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import fc from 'fast-check';
import { createHandler as createDeliver } from '../../functions/callback-deliver/handler.ts';
import { createHandler as createCatalogueRead } from '../../functions/catalogue-read/handler.ts';
import { createHandler as createClaim } from '../../functions/job-claim/handler.ts';
import { createHandler as createExpunge } from '../../functions/job-expunge/handler.ts';
import { createHandler as createRead } from '../../functions/job-read/handler.ts';
import { createHandler as createRedrive } from '../../functions/job-redrive/handler.ts';
import { createHandler as createSettle } from '../../functions/job-settle/handler.ts';
import { createHandler as createFetch } from '../../functions/provider-fetch/handler.ts';
import { createHandler as createWebhook } from '../../functions/webhook/handler.ts';
import { aCatalogue, aLog, CLIENT_ID, findClient, LEASE_MS, NOW, unguarded } from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';

/**
 * A job from its request to the deletion of its data, with recognisable parameters and metadata: none of them
 * appears in a log line, an event or an error, and no response shows a `writeOnly` value.
 */

/** A text that is long enough to be masked, and unlike any text of ours. */
const markedText = (marker: string) =>
  fc
    .tuple(fc.stringMatching(/^[a-z]{6}$/), fc.string({ unit: 'grapheme', maxLength: 12 }))
    .map(([letters, rest]) => `${marker}${letters}${rest.toWellFormed()}`);

const scenario = fc.record({
  secret: markedText('ZQX'),
  open: markedText('ZQY'),
  note: markedText('ZQZ'),
  provider: fc.constantFrom('succeeds', 'refuses', 'fails', 'disconnects'),
  receiver: fc.constantFrom('succeeds', 'refuses', 'fails', 'disconnects'),
  isStartedAtOnce: fc.boolean(),
  table: fc.constantFrom('works', 'works', 'fails'),
});

/** An error as the Catch of a state adds it to the state's data. */
const asCaught = ({ name, message }: Error) => ({ Error: name, Cause: JSON.stringify({ errorMessage: message }) });

/** Every encoding in which a text may appear. */
const formsOf = (value: string): string[] => [
  value,
  encodeURIComponent(value),
  JSON.stringify(value).slice(1, -1),
  JSON.stringify(JSON.stringify(value).slice(1, -1)).slice(1, -1),
  inspect(value).slice(1, -1),
];

test("a caller's input reaches only its providers, its receiver and the caller", async () => {
  const kinds = new Set<string>();
  await fc.assert(
    fc.asyncProperty(scenario, async (input) => {
      const { secret, open, note } = input;
      const store = createFakeJobStore();
      const log = aLog();
      const published: OperatorEvent[] = [];
      const errors: unknown[] = [];
      const responseBodies: string[] = [];
      const started: ClaimedJob[] = [];
      let now = NOW;
      const string = { type: 'string' } as const;
      const catalogue = aCatalogue({
        id: 'gas',
        url: 'https://gas.example/{?secret,open}',
        parameters: { type: 'object', properties: { secret: { ...string, writeOnly: true }, open: string } },
      });
      const send: SendHttp = async ({ method, url, body = '' }) => {
        const behaviour = method === 'GET' ? input.provider : input.receiver;
        if (behaviour === 'disconnects') throw new HttpFailure('connection_broken', 'ECONNRESET', 1);
        const statusCode = { succeeds: 200, refuses: 404, fails: 500 }[behaviour];
        // Third parties repeat their input.
        const echo = JSON.stringify({ url, secret, sent: body });
        const headers = { 'content-type': 'application/json' };
        return { statusCode, headers, body: Buffer.from(method === 'GET' ? echo : ''), durationMs: 1 };
      };
      const failing = async (): Promise<never> => {
        throw new Error('the table is out of reach');
      };
      const deps = {
        ...unguarded,
        ...store,
        jobs: store.reader,
        catalogue,
        log,
        findClient,
        send,
        now: () => now,
        random: () => 0.5,
        policy: { schedule: { stepsMs: [1_000] as const }, patienceMs: 1, retentionMs: 86_400_000 },
        leaseMs: LEASE_MS,
        fetchDeadlineMs: 86_400_000,
        findSecret: async () => '',
        userAgent: 'test',
        publish: async (event: OperatorEvent) => void published.push(event),
        authenticate: async () => ({ clientId: CLIENT_ID, name: 'test' }),
        limitClient: async () => {},
        callbackRules: { allowHttp: false, exceptions: { networks: [], hosts: new Set<string>() } },
        newId: () => '01a20b4c-cf47-716b-85d8-000000000001',
        startExecution: async (jobs: ClaimedJob[]) => {
          if (!input.isStartedAtOnce) throw new Error('throttled');
          started.push(...jobs);
        },
        readCircuits: async () => () => ({ circuit: 'closed' }) as const,
        lastPause: async () => undefined,
        shardCount: 1,
        maxJobsPerSweep: 10,
      };
      const callApi = async (handler: ApiLambda, event: object): Promise<string> => {
        const request = {
          headers: { 'content-type': 'application/json' },
          requestContext: { requestId: 'r' },
          ...event,
        };
        const { body = '' } = await handler(request as unknown as APIGatewayProxyEventV2, {} as Context);
        responseBodies.push(body);
        return body;
      };
      const runTask = async (run: () => Promise<unknown>): Promise<{ result?: unknown; error?: Error }> => {
        try {
          return { result: await run() };
        } catch (error) {
          errors.push(error);
          return { error: error as Error };
        }
      };

      const parameters = { secret, open };
      const body = {
        providers: [{ id: 'gas', parameters }],
        callbackUrl: 'https://receiver.example/',
        metadata: { note },
      };
      const post = async (posted: object, change: object = {}) => {
        const headers = { 'content-type': 'application/json', 'idempotency-key': 'key' };
        return callApi(createWebhook({ ...deps, ...change }), { headers, body: JSON.stringify(posted) });
      };
      // Two rejected requests, one that cannot be stored, the accepted one, and two that repeat its key.
      await post({ ...body, providers: [{ id: 'gas', parameters: { secret: [secret], open: { open }, [note]: 1 } }] });
      await post({ ...body, metadata: { [`${note} `]: secret, a: [note] } });
      await post(body, { intake: { ...store.intake, create: failing } });
      const { jobId } = JSON.parse(await post(body)) as { jobId: string };
      await post(body, { catalogue: aCatalogue('gas') });
      await post({ ...body, metadata: {} });

      if (!input.isStartedAtOnce) {
        now += 1_000;
        const { batches } = (await createClaim(deps)({ claimed: 0 })) as { batches: ClaimedJob[][] };
        started.push(...batches.flat());
      }
      const [job] = started.splice(0);
      if (!job) throw new Error('no execution was started');
      const { claims, leasedUntil } = job;
      const fetching = { jobId, claims, leasedUntil, providerId: 'gas', job };
      const { result, error } = await runTask(() => createFetch(deps)(fetching));
      const results = [result ?? { providerId: 'gas', status: 'UNAVAILABLE', error: error && asCaught(error) }];
      const worked = { ...job, results };
      const delivery = await runTask(() => createDeliver(deps)({ job: worked }));
      if (delivery.error) {
        const deliveryError = asCaught(delivery.error);
        const outcomes = input.table === 'fails' ? { save: failing } : store.outcomes;
        await runTask(() => createSettle({ ...deps, outcomes })({ job: worked, deliveryError }));
      }
      // A malformed payload.
      await runTask(() =>
        createDeliver(deps)({
          job: { ...worked, v: 99, metadata: { note: [note] }, parameters: { gas: { secret: [secret] } } },
        }),
      );

      const pathParameters = { jobId };
      await callApi(createRead(deps), { routeKey: 'GET /jobs/{jobId}', pathParameters });
      await callApi(createRead({ ...deps, catalogue: aCatalogue('internet') }), {
        routeKey: 'GET /jobs/{jobId}',
        pathParameters,
      });
      await callApi(createRead({ ...deps, jobs: { ...store.reader, get: failing } }), {
        routeKey: 'GET /jobs/{jobId}',
        pathParameters,
      });
      await callApi(createRead(deps), {});
      await callApi(createCatalogueRead(deps), {});
      now += LEASE_MS;
      await callApi(createRedrive(deps), { pathParameters });
      const stored = store.jobs.get(jobId);
      if (stored) store.jobs.set(jobId, { ...stored, status: 'FAILED' });
      await callApi(createExpunge(deps), { pathParameters });
      await callApi(createRedrive(deps), { pathParameters });

      const output = inspect([log.lines, published, errors], { depth: 12, maxStringLength: null, showHidden: true });
      for (const value of [secret, open, note]) {
        for (const form of formsOf(value)) expect(output.includes(form)).toBe(false);
      }
      for (const form of formsOf(secret)) expect(responseBodies.find((body) => body.includes(form))).toBeUndefined();
      // The deleted data leaves nothing in the job. The fake store's digest of a result is the beginning of its JSON.
      const { results: _, ...withoutResults } = store.jobs.get(jobId) ?? { results: [] };
      expect(inspect(withoutResults, { depth: 12 })).not.toMatch(/ZQ[XYZ]/);
      kinds.add(`${input.provider} ${delivery.error?.name ?? 'delivered'}`);
    }),
    { numRuns: 150 },
  );
  // The scenarios included deliveries and failures.
  expect([...kinds].some((kind) => kind.endsWith('delivered'))).toBe(true);
  expect(kinds.size).toBeGreaterThan(4);
}, 60_000);

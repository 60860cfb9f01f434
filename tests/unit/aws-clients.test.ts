import './function-environment.ts';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SSMClient } from '@aws-sdk/client-ssm';
import { CALL_LIMITS, createRetryStrategy, timeLimited } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoJobControl } from '@boomerang/core/adapters/dynamo/job-control.ts';
import { createPublishEvent } from '@boomerang/core/adapters/event-bridge.ts';
import { createFindSecret } from '@boomerang/core/adapters/secrets.ts';
import { createSfnStartExecution, createSfnStartSweep } from '@boomerang/core/adapters/sfn-start-execution.ts';
import type { Redrive } from '@boomerang/core/domain/redrive.ts';
import { redriveJob } from '@boomerang/core/use-cases/redrive-job.ts';
import { startJob } from '@boomerang/core/use-cases/start-job.ts';
import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { requestRedrive } from '../../functions/redrives/request-redrive.ts';
import { acceptJob } from '../../functions/webhook/accept-job.ts';
import { listen } from '../../local/http-server.ts';
import { aJob, aLog, CLIENT_ID, LEASE_MS, NOW } from '../builders.ts';

const closeServers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  await Promise.all(closeServers.map((close) => close()));
});

/** Short, to keep the tests fast: they check only that calls end. */
const LIMITS = { attemptMs: 60, totalMs: 200, maxAttempts: 3 };

/** @returns the URL of a server that handles requests with `listener`, and its request count */
const serve = async (listener: RequestListener) => {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    listener(request, response);
  });
  const { url, close } = await listen(server, 0);
  closeServers.push(close);
  return { url, requests: () => requests };
};

/** @returns the URL of a server that accepts connections and never responds */
const serveNoResponse = async () => {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => void sockets.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeServers.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
};

const clientConfig = (endpoint: string) => ({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  ...timeLimited(LIMITS, {}),
});
const table = (endpoint: string) => ({
  client: new DynamoDBClient(clientConfig(endpoint)),
  tableName: 'JobTable',
  shardCount: 1,
});
const readItem = (endpoint: string) =>
  new DynamoDBClient(clientConfig(endpoint)).send(
    new GetItemCommand({ TableName: 'JobTable', Key: { jobId: { S: '1' } } }),
  );

describe('the attempt timeout, with a service that accepts the connection but never responds,', () => {
  test('ends a DynamoDB call', async () => {
    await expect(createDynamoJobControl(table(await serveNoResponse())).release('id', 1, NOW)).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });

  test('ends a Step Functions call', async () => {
    const machine = { client: new SFNClient(clientConfig(await serveNoResponse())), stateMachineArn: 'arn' };
    await expect(createSfnStartExecution(machine)([])).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(createSfnStartSweep(machine)()).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('ends an SSM call', async () => {
    const find = createFindSecret(new SSMClient(clientConfig(await serveNoResponse())), '/path', {});
    await expect(find('gas')).rejects.toMatchObject({ name: 'SecretMissing', cause: { name: 'TimeoutError' } });
  });

  test('ends an EventBridge call', async () => {
    const log = aLog();
    await createPublishEvent(
      new EventBridgeClient(clientConfig(await serveNoResponse())),
      'all',
      log,
    )({ type: 'CircuitClosed', circuit: 'c' });
    expect(log.lines).toMatchObject([{ message: 'Event publish failed' }]);
  });
});

describe('a response that never ends', () => {
  test.each<[string, RequestListener]>([
    ['stalls after its headers', (_, response) => void response.writeHead(200).flushHeaders()],
    ['stalls in its body', (_, response) => void response.writeHead(200, { 'content-length': '100' }).write('{"It')],
    [
      'arrives byte by byte',
      (_, response) => {
        const timer = setInterval(() => response.write(' '), 10);
        response.writeHead(200).on('close', () => clearInterval(timer));
      },
    ],
  ])('ends the call when it %s', async (_case, listener) => {
    const { url, requests } = await serve(listener);
    await expect(readItem(url)).rejects.toThrow('60 ms');
    expect(requests()).toBeLessThanOrEqual(LIMITS.maxAttempts);
  });
});

test('a throttled call is repeated up to maxAttempts, and its Retry-After is ignored', async () => {
  const { url, requests } = await serve((_, response) => {
    response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0', 'retry-after': '3600' });
    response.end(JSON.stringify({ __type: 'ThrottlingException' }));
  });
  const limits = { attemptMs: 5_000, totalMs: 5_500, maxAttempts: 3 };
  // A virtual clock: on the real one, a slow machine or a long backoff leaves no time for the third attempt.
  let now = 0;
  const waits: number[] = [];
  const sleep = async (ms: number) => {
    now += ms;
    waits.push(ms);
  };
  const retryStrategy = createRetryStrategy(limits, { now: () => now, random: () => 0.5, sleep });
  const client = new DynamoDBClient({ ...clientConfig(url), ...timeLimited(limits, {}), retryStrategy });
  const call = client.send(new GetItemCommand({ TableName: 'JobTable', Key: { jobId: { S: '1' } } }));
  await expect(call).rejects.toMatchObject({ name: 'ThrottlingException' });
  expect(requests()).toBe(3);
  expect(waits).toEqual([250, 125]);
});

test('a response in time succeeds, and its connection is reused', async () => {
  const ports = new Set<number | undefined>();
  const { url } = await serve((request, response) => {
    ports.add(request.socket.remotePort);
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{"Item":{"a":{"S":"b"}}}');
  });
  const client = new DynamoDBClient({ ...clientConfig(url), ...timeLimited(CALL_LIMITS.api, {}) });
  const command = () => new GetItemCommand({ TableName: 'JobTable', Key: { jobId: { S: '1' } } });
  for (let call = 0; call < 3; call += 1) {
    expect((await client.send(command())).Item).toEqual({ a: { S: 'b' } });
  }
  expect(ports.size).toBe(1);
});

test('a call never exceeds its limits, for any failures and durations of its attempts', async () => {
  const anyLimits = fc.constantFrom(...Object.values(CALL_LIMITS));
  const anyErrorType = fc.constantFrom('THROTTLING', 'TRANSIENT', 'SERVER_ERROR', 'CLIENT_ERROR' as const);
  const anyFailures = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), anyErrorType), {
    minLength: 10,
    maxLength: 10,
  });
  const anyRandom = fc.double({ min: 0, max: 1, noNaN: true });
  await fc.assert(
    fc.asyncProperty(anyLimits, anyFailures, anyRandom, async (limits, failures, random) => {
      let now = 0;
      const sleep = async (ms: number) => {
        now += ms;
      };
      const deps = { now: () => now, random: () => random, sleep };
      const strategy = createRetryStrategy(limits, deps);
      let token = await strategy.acquireInitialRetryToken('');
      let attemptCount = 0;
      for (const [share, errorType] of failures) {
        attemptCount += 1;
        now += share * limits.attemptMs;
        try {
          token = await strategy.refreshRetryTokenForRetry(token, { errorType: errorType as 'TRANSIENT' });
        } catch {
          break;
        }
      }
      expect(now).toBeLessThanOrEqual(limits.totalMs);
      expect(attemptCount).toBeLessThanOrEqual(limits.maxAttempts);
    }),
  );
});

test('CALL_TIME_FACTOR multiplies the limits', async () => {
  const { requestHandler } = timeLimited(CALL_LIMITS.api, { CALL_TIME_FACTOR: '4' });
  await requestHandler.handle({ protocol: 'http:', hostname: '127.0.0.1', port: 1 } as never).catch(() => {});
  expect(requestHandler.httpHandlerConfigs().requestTimeout).toBe(4 * CALL_LIMITS.api.attemptMs);
});

describe('while Step Functions and the table do not respond', () => {
  const createDeps = async () => {
    const endpoint = await serveNoResponse();
    const machine = { client: new SFNClient(clientConfig(endpoint)), stateMachineArn: 'arn' };
    const { release } = createDynamoJobControl(table(endpoint));
    return {
      startExecution: createSfnStartExecution(machine),
      startSweep: createSfnStartSweep(machine),
      control: { release, replace: async () => {} },
      now: () => NOW,
      log: aLog(),
    };
  };

  test('acceptJob accepts a stored job', async () => {
    const deps = await createDeps();
    const metrics = { count: () => {}, milliseconds: () => {}, seconds: () => {} };
    const intake = { create: async (job: ReturnType<typeof aJob>) => ({ isNew: true, job, requestHash: '' }) };
    const otherDeps = { intake, metrics, newId: () => aJob().jobId, leaseMs: LEASE_MS, fetchDeadlineMs: 1_000 };
    const body = { providers: ['gas'], callbackUrl: 'https://example.com/' };
    const request = { clientId: CLIENT_ID, idempotencyKey: undefined, body };
    expect(await acceptJob({ ...deps, ...otherDeps }, request)).toMatchObject({ isReplayed: false });
    expect(deps.log.lines.map(({ message }) => message)).toEqual([
      'Job accepted',
      'Job start failed',
      'Claim release failed',
    ]);
  });

  test('redriveJob redrives a job', async () => {
    const deps = await createDeps();
    const job = aJob();
    delete job.leasedUntil;
    const results = { save: async () => ({}), renew: async () => true, remove: async () => {} };
    const jobs = { getWithData: async () => undefined };
    const policy = { schedule: { stepsMs: [1_000] as const }, patienceMs: 1_000, retentionMs: 1_000 };
    const otherDeps = { jobs, results, policy, leaseMs: LEASE_MS, fetchDeadlineMs: 1_000 };
    expect(await redriveJob({ ...deps, ...otherDeps }, { job, inline: [] })).toMatchObject({ jobId: job.jobId });
  });

  test('requestRedrive accepts a bulk redrive', async () => {
    const deps = {
      ...(await createDeps()),
      redrives: { create: async (redrive: Redrive) => ({ isNew: true, redrive }), reservePass: async () => true },
      newId: () => aJob().jobId,
    };
    const query = { status: 'FAILED' as const, from: 0, to: NOW };
    expect(await requestRedrive(deps, CLIENT_ID, query)).toMatchObject({ status: 'RUNNING' });
  });

  test('startJob never throws', async () => {
    await expect(startJob(await createDeps(), aJob(), 'immediate')).resolves.toBeUndefined();
  });
});

import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { Log } from '@boomerang/core/observability/logger.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Access, newAccess } from '../../local/access.ts';
import { type Database, startDatabase } from '../../local/dynamodb.ts';
import { createEventBus, serveEventBus } from '../../local/event-bridge.ts';
import type { Listening } from '../../local/http-server.ts';
import { announceRunning, findRunning } from '../../local/running.ts';
import { type StepFunctions, startStepFunctions } from '../../local/step-functions.ts';

const ARN = 'arn:aws:states:us-east-1:000000000000:stateMachine:Machine';
const REGION = 'us-east-1';
const access = newAccess();
const logged: string[] = [];
const note = (message: string): void => void logged.push(message);
const log: Log = { debug: note, info: note, warn: note, error: note };

let database: Database;
let stepFunctions: StepFunctions;
let eventBridge: Listening;

beforeAll(async () => {
  database = await startDatabase(mkdtempSync(path.join(tmpdir(), 'boomerang-')), access, log);
  const machine = { arn: ARN, definitionPath: 'statemachine/process-pending.asl.json', substitutions: SUBSTITUTIONS };
  stepFunctions = await startStepFunctions(
    machine,
    { invoke: async () => ({ batches: [], more: false }) },
    access,
    log,
  );
  eventBridge = await serveEventBus(createEventBus(log), access);
});

afterAll(async () => {
  await stepFunctions.settled();
  await Promise.all([database.close(), stepFunctions.close(), eventBridge.close()]);
});

/** Substitutes each name for itself. */
const SUBSTITUTIONS = new Proxy({}, { get: (_, name) => String(name) }) as Record<string, string>;

/** Changes to an SDK client or its signed request. */
type Change = { credentials?: Access; systemClockOffset?: number; tamper?: (request: SentRequest) => unknown };
type SentRequest = { headers: Record<string, string>; body: unknown; path: string; method: string };
type Stack = { middlewareStack: { add: (middleware: never, options: never) => void } };

/** Changes each request after it was signed. */
const tampering = <C extends Stack>(client: C, tamper: Change['tamper']): C => {
  const middleware = (next: (args: unknown) => unknown) => (args: { request: SentRequest }) => {
    tamper?.(args.request);
    return next(args);
  };
  client.middlewareStack.add(
    middleware as never,
    { step: 'finalizeRequest', priority: 'low', override: true } as never,
  );
  return client;
};

const options = (endpoint: string, { tamper: _, ...change }: Change) => ({
  endpoint,
  region: REGION,
  credentials: access,
  maxAttempts: 1,
  ...change,
});

const endpoints: Record<string, { url: () => string; call: (change: Change) => Promise<unknown> }> = {
  DynamoDB: {
    url: () => database.url,
    call: (change) =>
      tampering(new DynamoDBClient(options(database.url, change)), change.tamper).send(new ListTablesCommand({})),
  },
  'Step Functions': {
    url: () => stepFunctions.url,
    call: (change) =>
      tampering(new SFNClient(options(stepFunctions.url, change)), change.tamper).send(
        new StartExecutionCommand({ stateMachineArn: ARN, input: '{}' }),
      ),
  },
  EventBridge: {
    url: () => eventBridge.url,
    call: (change) =>
      tampering(new EventBridgeClient(options(eventBridge.url, change)), change.tamper).send(
        new PutEventsCommand({ Entries: [{ Source: 'boomerang', DetailType: 'Test', Detail: '{}' }] }),
      ),
  },
};

/** The headers of a signed request. */
const signedHeaders = async (name: string): Promise<Record<string, string>> => {
  let headers: Record<string, string> = {};
  await endpoints[name]?.call({
    tamper: (request) => {
      headers = { ...request.headers };
    },
  });
  return headers;
};

const sendRaw = async (url: string, request: string): Promise<string> => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(request);
  return text(socket);
};

const withHeader =
  (name: string, value: string) =>
  ({ headers }: SentRequest): unknown =>
    Object.assign(headers, { [name]: value });

const HOUR_MS = 3_600_000;

describe.each(Object.keys(endpoints))('the embedded %s', (name) => {
  const { url, call } = endpoints[name] as (typeof endpoints)[string];
  const statusOf = async (change: Change): Promise<unknown> =>
    call(change).then(
      () => 200,
      (error: { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode,
    );

  test('answers an SDK client that has its credentials', async () => {
    expect(await statusOf({})).toBe(200);
  });

  test.each<[string, Change]>([
    ['other credentials', { credentials: newAccess() }],
    ['the fixed credentials of local emulators', { credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }],
    ['its access key, but another secret', { credentials: { ...access, secretAccessKey: 'guessed' } }],
    ['another secret of the same length', { credentials: { ...access, secretAccessKey: newAccess().secretAccessKey } }],
    ['a signature from an hour ago', { systemClockOffset: -HOUR_MS }],
    ['a signature from an hour in the future', { systemClockOffset: HOUR_MS }],
    [
      'a body that was not signed',
      {
        tamper: (request) => Object.assign(request, { body: new Uint8Array((request.body as Uint8Array).length) }),
      },
    ],
    ['a target that was not signed', { tamper: withHeader('x-amz-target', 'X.Y') }],
    ['an Origin header', { tamper: withHeader('origin', 'http://localhost:3000') }],
    ['the Origin "null"', { tamper: withHeader('origin', 'null') }],
    ['Sec-Fetch headers', { tamper: withHeader('sec-fetch-site', 'none') }],
    ['another path', { tamper: (request) => Object.assign(request, { path: '/shell' }) }],
    ['another method', { tamper: (request) => Object.assign(request, { method: 'PUT' }) }],
    ['another Host', { tamper: withHeader('host', 'evil.example') }],
    ['no signature', { tamper: ({ headers }) => void delete headers.authorization }],
    ['a list of signed headers that lacks the Host', { tamper: ({ headers }) => withoutSigned(headers, 'host') }],
    ['a list of signed headers that lacks the date', { tamper: ({ headers }) => withoutSigned(headers, 'x-amz-date') }],
    ['a credential for another service', { tamper: ({ headers }) => ofOtherService(headers) }],
  ])('refuses a request with %s', async (_, change) => {
    expect(await statusOf(change)).toBe(403);
  });

  test.each([
    ['a preflight', 'OPTIONS', { origin: 'http://evil.example', 'access-control-request-method': 'POST' }],
    ['a preflight for a private network', 'OPTIONS', { 'access-control-request-private-network': 'true' }],
    ['a GET', 'GET', {}],
    ['a cross-origin form', 'POST', { 'content-type': 'text/plain', origin: 'http://evil.example' }],
  ])('answers %s with 403 and no CORS header', async (_, method, more) => {
    const headers = Object.entries({ host: new URL(url()).host, ...more }).map(([key, value]) => `${key}: ${value}`);
    const response = await sendRaw(
      url(),
      `${method} / HTTP/1.1\r\n${headers.join('\r\n')}\r\nconnection: close\r\n\r\n`,
    );
    expect(response).toMatch(/^HTTP\/1\.1 403 /);
    expect(response).not.toMatch(/access-control|healthy|CORS/i);
  });

  test.each([
    'evil.example',
    '127.0.0.1',
    '127.0.0.1:1',
    '127.0.0.1.evil.example:PORT',
    'localhost.evil.example:PORT',
    '',
  ])('refuses the Host "%s" without reading the body', async (host) => {
    const sent = host.replace('PORT', new URL(url()).port);
    const response = await sendRaw(url(), `POST / HTTP/1.1\r\nhost: ${sent}\r\ncontent-length: 1000000\r\n\r\n`);
    expect(response).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('refuses a request without a Host header', async () => {
    expect(await sendRaw(url(), 'POST / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('keeps running when signed requests are aborted', async () => {
    const headers = Object.entries(await signedHeaders(name)).map(([key, value]) => `${key}: ${value}`);
    const lines = headers.filter((line) => !line.startsWith('content-length'));
    for (let round = 0; round < 5; round += 1) {
      const socket = connect(Number(new URL(url()).port), '127.0.0.1');
      socket.write(`POST / HTTP/1.1\r\n${lines.join('\r\n')}\r\ncontent-length: 1000\r\n\r\n{`);
      await once(socket, 'connect');
      socket.resetAndDestroy();
      await once(socket, 'close');
    }
    expect(await statusOf({})).toBe(200);
    expect(logged).not.toContain('Database crashed');
  });
});

test('running.json is ignored if its credentials are not those of the instance on its port', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
  const running = {
    outputs: {},
    endpoints: { dynamodb: database.url, stepFunctions: stepFunctions.url },
    access,
    apiKey: 'key',
    sweeps: { since: new Date().toISOString(), everySeconds: 5 },
  };
  const withdraw = announceRunning(folder, running);
  expect(await findRunning(folder)).toEqual(running);
  announceRunning(folder, { ...running, access: newAccess() });
  expect(await findRunning(folder)).toBeUndefined();
  withdraw();
  expect(await findRunning(folder)).toBeUndefined();
});

const withoutSigned = (headers: Record<string, string>, name: string): void => {
  headers.authorization = (headers.authorization ?? '').replace(new RegExp(`${name};|;${name}(?=,)`), '');
};
const ofOtherService = (headers: Record<string, string>): void => {
  headers.authorization = (headers.authorization ?? '').replace(/\/(?:dynamodb|states|events)\//, '/s3/');
};

import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CloudFormationClient, paginateDescribeStackEvents } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListStateMachinesCommand, SFNClient } from '@aws-sdk/client-sfn';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { signatureHeaders } from '@boomerang/core/security/signature.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { clientOptions, type Deployment, deploy, targetEnvironment, undeploy } from '../../tools/engines/deployment.ts';
import { type Engine, ROOT } from '../../tools/engines/engine.ts';
import { ACCESS, startMiniStack } from '../../tools/engines/ministack.ts';
import { apiOf, isOver } from '../e2e/api.ts';
import { contractOf } from '../e2e/contract.ts';
import { describeMisbehaviour, IMPATIENT, MISBEHAVING, makeMisbehave } from '../e2e/misbehaviour.ts';
import { describeRequests } from '../e2e/requests.ts';
import { catalogueOf, inSequence, respondsWith, startThirdParties, type ThirdParties } from '../e2e/third-parties.ts';
import { startRecorder } from './recorder.ts';
import { createRetryingFetch } from './retrying-fetch.ts';
import { allowedCalls, rightOf } from './rights.ts';

const STACK = 'boomerang-check';
/** Enough for three sweeps, which run every minute. */
const SWEEPS_MS = 200_000;
const FOUR_SWEEPS_MS = 300_000;
/** Retries in every sweep, a few times. */
const QUICK = {
  RetryScheduleSeconds: IMPATIENT.RETRY_SCHEDULE_SECONDS,
  FetchDeadlineSeconds: IMPATIENT.FETCH_DEADLINE_SECONDS,
  FailureRate: '0',
};
/** Retries in every sweep, nine times. The last step limits how long a `Retry-After` is respected. */
const PATIENT = { ...QUICK, RetryScheduleSeconds: '1,1,1,1,1,1,1,1,1,600', FetchDeadlineSeconds: '86400' };
/** Circuits that open as early and as briefly as possible. */
const SENSITIVE_CIRCUITS = { BreakerMinCalls: '1', BreakerFailureRate: '0.5', BreakerOpenSeconds: '1' };

type NewClient = { clientId: string; apiKey: string; signingSecret: string };

/** The deployed project: a copy of this one with a different catalogue. */
let folder: string;
let engine: Engine;
let recorder: Awaited<ReturnType<typeof startRecorder>>;
let parties: ThirdParties;
let deployment: Deployment;
let client: NewClient;
/** Clients for tests that count jobs. */
let requester: NewClient;
let misbehaviourClient: NewClient;
let other: NewClient;

const target = () => ({ endpoint: engine.url, access: ACCESS });
const sdk = () => clientOptions(target());

/** The URL of an API by path at MiniStack. Its host name is a subdomain of localhost, which some systems do not resolve. */
const urlOf = (logicalId: string): string =>
  `${engine.url}/_aws/execute-api/${deployment.physicalIds[logicalId]}/$default`;

/** The https URL of a third party. MiniStack's functions call https at loopback without TLS. */
const atHttps = (route: string): string => `${parties.url.replace('http:', 'https:')}${route}`;

/** Runs a command of the project for the stack. */
const cli = async (name: string, ...args: string[]): Promise<string> => {
  const env = { ...process.env, ...targetEnvironment(target()) };
  const command = [path.join(ROOT, 'cli', `${name}.ts`), ...args, '--stack', STACK];
  return (await promisify(execFile)(process.execPath, command, { env })).stdout;
};
const createClient = async (name: string, ...options: string[]): Promise<NewClient> =>
  JSON.parse(await cli('clients', 'create', '--name', name, '--json', ...options)) as NewClient;

const fetch = createRetryingFetch(globalThis.fetch);

/** The stack as seen by a client. */
const deployedTo = ({ apiKey }: NewClient) => ({
  serviceUrl: urlOf('ServiceApi'),
  providersUrl: urlOf('ProvidersApi'),
  apiKey,
  fetch,
});
const serviceOf = (caller: NewClient) => apiOf(deployedTo(caller));
const send = async (method: string, route: string, body?: object) => {
  const authorization = `Bearer ${client.apiKey}`;
  const headers = { authorization, ...(body && { 'content-type': 'application/json' }) };
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  return contractOf('service', urlOf('ServiceApi'), fetch)(route, init);
};

const verifyAll = (route: string, { signingSecret }: NewClient): void => {
  const webhook = new Webhook(signingSecret);
  for (const { body, headers } of parties.callsTo(route)) webhook.verify(body, headers as Record<string, string>);
};

const CATALOGUE = 'layers/provider-catalogue/providers.json';

const copyProject = (): string => {
  const copy = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
  const parts = ['template.yaml', 'samconfig.toml', 'statemachine', 'functions', 'layers', 'docs', 'package.json'];
  for (const name of parts) cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
  return copy;
};

const change = (file: string, how: (text: string) => string): void =>
  writeFileSync(path.join(folder, file), how(readFileSync(path.join(folder, file), 'utf8')));

beforeAll(async () => {
  folder = copyProject();
  parties = await startThirdParties();
  makeMisbehave(parties);
  recorder = await startRecorder();
  // Policies are enforced; calls of functions and the state machine go through the recorder.
  engine = await startMiniStack({ AUTH: 'true', AWS_ENDPOINT_URL: recorder.url });
  recorder.sendTo(engine.url);
}, 120_000);

afterAll(async () => {
  await engine?.stop();
  await recorder?.close();
  await parties?.close();
  rmSync(folder, { recursive: true });
}, 30_000);

describe('a new stack', () => {
  beforeAll(async () => {
    change(CATALOGUE, (text) => {
      const { providers } = JSON.parse(text) as { providers: object[] };
      return JSON.stringify({ providers: [...providers, ...catalogueOf(parties.url, MISBEHAVING).providers] });
    });
    deployment = await deploy(target(), STACK, { folder, parameters: QUICK });
    client = await createClient('caller');
    [requester, misbehaviourClient, other] = await Promise.all([
      createClient('requester'),
      createClient('misbehaviour'),
      createClient('other'),
    ]);
  }, 180_000);

  // First, because the jobs of the last suite take time.
  describeRequests(() => deployedTo(requester));

  test('delivers jobs with signed callbacks', async () => {
    const { submit, waitFor } = serviceOf(client);
    const jobIds = await Promise.all(
      Array.from({ length: 20 }, () => submit(['gas', 'internet'], `${parties.url}/twenty`)),
    );
    for (const jobId of jobIds) {
      expect(await waitFor(jobId, isOver, SWEEPS_MS)).toMatchObject({ status: 'COMPLETE', attempts: [{ number: 1 }] });
    }
    expect(new Set(parties.callsTo('/twenty').map(({ body }) => JSON.parse(body).jobId))).toEqual(new Set(jobIds));
    verifyAll('/twenty', client);
  }, 240_000);

  test('retries a callback by its schedule', async () => {
    const { submit, waitFor } = serviceOf(client);
    parties.set('/late', inSequence(respondsWith('no', 503), respondsWith('ok')));
    const job = await waitFor(await submit(['gas'], `${parties.url}/late`), isOver, SWEEPS_MS);
    expect(job.attempts.map(({ trigger, callback }) => [trigger, callback?.status])).toEqual([
      ['immediate', 'FAILED'],
      ['scheduled', 'OK'],
    ]);
    verifyAll('/late', client);
  }, 240_000);

  test('passes the audit', async () => {
    expect(JSON.parse(await cli('audit', '--json'))).toMatchObject({ findings: {} });
  });

  // Its jobs are posted at the start, and most have ended by now.
  describeMisbehaviour(() => ({ cloud: deployedTo(misbehaviourClient), parties }), FOUR_SWEEPS_MS);
});

describe('an update of code, catalogue and parameters', () => {
  beforeAll(async () => {
    const providers = {
      small: {},
      large: {},
      failing: {},
      slots: { concurrency: 1 },
      keyed: { auth: { header: 'x-api-key', secret: 'key' } },
    };
    change(CATALOGUE, () => JSON.stringify(catalogueOf(parties.url, providers)));
    change('functions/providers/bills.ts', (text) => text.replace('22.27', '99.99'));

    const ssm = new SSMClient(sdk());
    const secret = (name: string, Value: string) =>
      ssm.send(new PutParameterCommand({ Name: `/${STACK}/${name}`, Value, Type: 'SecureString' }));
    await Promise.all([secret('providers/key', 'credential'), secret('complete/receiver', client.signingSecret)]);
    recorder.calls.length = 0;
    deployment = await deploy(target(), STACK, {
      folder,
      parameters: {
        ...PATIENT,
        ...SENSITIVE_CIRCUITS,
        Stage: 'dev',
        CallbackAllow: '127.0.0.1',
        CompleteSecretName: 'receiver',
        // A limit that the tests do not reach, so that requests are counted.
        ClientRatePerSecond: '1000',
        PublishEvents: 'all',
      },
    });
  }, 180_000);

  test('takes effect, and keeps existing jobs', async () => {
    const response = await fetch(`${urlOf('ProvidersApi')}/providers/gas`);
    expect(await response.text()).toContain('99.99');
    expect((await send('POST', '/webhook', { providers: ['gas'], callbackUrl: atHttps('/') })).status).toBe(422);
    expect(await serviceOf(client).listAll()).toHaveLength(21);
    expect((await send('POST', '/webhook', { providers: ['small'], callbackUrl: 'http://127.0.0.1/' })).status).toBe(
      422,
    );
  }, 60_000);

  test('leaves every function making exactly the calls that its policy allows', async () => {
    const { submit, waitFor, post } = serviceOf(client);
    parties.set('/provider/large', respondsWith({ text: 'x'.repeat(300_000) }));
    parties.set('/provider/failing', inSequence(...Array(3).fill(respondsWith('no', 500)), respondsWith('well')));
    parties.set('/down', inSequence(...Array(3).fill(respondsWith('no', 500)), respondsWith('well')));
    parties.set('/gone', respondsWith('no more', 410));
    parties.set('/busy', respondsWith('later', 503, { 'retry-after': '3600' }));

    parties.set('/never', respondsWith('no', 503, { 'retry-after': '15' }));
    const orphan = await serviceOf(other).submit(['small'], atHttps('/never'));
    const [large, late, down, gone, busy] = await Promise.all([
      submit(['large'], atHttps('/large')),
      submit(['failing', 'small'], atHttps('/late')),
      submit(['small'], atHttps('/down')),
      submit(['small'], atHttps('/gone')),
      submit(['small'], atHttps('/busy')),
    ]);
    // Tallies are read only while a provider is watched: for a minute after its failure.
    await waitFor(late, (job) => job.attempts.length > 0, SWEEPS_MS);
    expect((await send('GET', '/catalogue')).status).toBe(200);
    // The sweep finds the revoked client of the waiting job.
    await serviceOf(other).waitFor(orphan, (job) => job.attempts.length > 0, SWEEPS_MS);
    await cli('clients', 'revoke', other.clientId);
    recorder.fail('states:StartExecution', 3);
    const unstarted = await submit(['slots', 'keyed'], atHttps('/unstarted'));

    const once = { providers: ['small'], callbackUrl: atHttps('/once') };
    const headers = { 'idempotency-key': 'once' };
    const [first, second] = [await post(once, headers), await post(once, headers)];
    expect([first, second].map((response) => response.headers.get('idempotent-replayed'))).toEqual([null, 'true']);
    const { jobId: delivered } = (await first.json()) as { jobId: string };

    const body = '{"jobId":"01a20b4c-cf47-716b-85d8-5343742576b8","data":[]}';
    const signed = signatureHeaders([client.signingSecret], 'id', body, Date.now());
    const complete = await fetch(`${urlOf('ServiceApi')}/complete`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signed },
      body,
    });
    expect(complete.status).toBe(200);

    for (const jobId of [large, late, down, unstarted]) {
      expect([jobId, (await waitFor(jobId, isOver, SWEEPS_MS)).status]).toEqual([jobId, 'COMPLETE']);
    }
    expect((await waitFor(gone, isOver, SWEEPS_MS)).failure?.code).toBe('CALLBACK_GONE');
    expect(parties.callsTo('/provider/keyed')[0]?.headers['x-api-key']).toBe('credential');
    await until('a sweep published an abandoned job', async () =>
      recorder.calls.some(({ caller, action }) => caller === 'JobClaimFunction' && action === 'events:PutEvents'),
    );

    expect((await send('GET', `/jobs/${large}/data`)).status).toBe(200);
    for (const path of ['/jobs?status=FAILED', '/jobs?limit=5', '/jobs/stats']) {
      expect((await send('GET', path)).status).toBe(200);
    }
    expect((await send('GET', '/health?deep=1')).status).toBe(200);
    expect((await send('POST', `/jobs/${busy}/cancel`)).status).toBe(202);
    expect((await send('POST', `/jobs/${down}/redrive`)).status).toBe(202);
    expect((await waitFor(down, isOver, SWEEPS_MS)).status).toBe('COMPLETE');
    // A job delivered at once holds its data inline; redriving it stores the data.
    expect((await waitFor(delivered, isOver, SWEEPS_MS)).status).toBe('COMPLETE');
    expect((await send('POST', `/jobs/${delivered}/redrive`)).status).toBe(202);
    expect((await waitFor(delivered, isOver, SWEEPS_MS)).status).toBe('COMPLETE');
    expect((await send('DELETE', `/jobs/${large}`)).status).toBe(204);

    parties.set('/gone', respondsWith('back'));
    const filters = [{ status: 'FAILED', providerId: 'small' }, { status: 'COMPLETE' }];
    for (const filter of filters) {
      expect((await send('POST', '/redrives', { ...filter, dryRun: true })).status).toBe(200);
    }
    // One at a time: a client can have only one open redrive.
    for (const filter of filters) {
      const { links } = (await (await send('POST', '/redrives', filter)).json()) as { links: { self: string } };
      await until(`the redrive ${links.self} is done`, async () => {
        const redrive = (await (await send('GET', links.self)).json()) as { status: string };
        return redrive.status !== 'RUNNING';
      });
    }
    await waitFor(gone, (job) => job.status === 'COMPLETE', SWEEPS_MS);
    expect((await send('GET', '/redrives')).status).toBe(200);
    const operator = await createClient('operator', '--operator');
    const asOperator = { headers: { authorization: `Bearer ${operator.apiKey}` } };
    for (const route of ['/me', '/clients']) {
      expect((await fetch(`${deployedTo(operator).serviceUrl}${route}`, asOperator)).status).toBe(200);
    }
    const callsMade = new Map<string, Set<string>>();
    for (const call of recorder.calls) {
      if (call.caller === undefined) continue;
      callsMade.set(call.caller, (callsMade.get(call.caller) ?? new Set()).add(rightOf(call)));
    }
    const differences = [...allowedCalls()].flatMap(([logicalId, rights]) => {
      const calls = callsMade.get(logicalId) ?? new Set();
      const rare = RARE[logicalId] ?? [];
      const unused = [...rights].filter((right) => !calls.has(right) && !rare.includes(right));
      const denied = [...calls].filter((right) => !rights.has(right));
      return [
        ...unused.map((right) => `${logicalId} never ${right}`),
        ...denied.map((right) => `${logicalId} ${right}`),
      ];
    });
    expect(differences).toEqual([]);
  }, 600_000);
});

const DELETES = 'dynamodb:DeleteItem JobTable';
/**
 * Rights that this test does not need to use: functions delete stored results only if the job was cancelled, deleted or claimed
 * meanwhile, and publish circuit events only after minutes of failures. tests/template checks that the bundles make exactly these calls.
 */
const RARE: Record<string, string[]> = {
  JobRedriveFunction: [DELETES],
  JobSettleFunction: [DELETES],
  RedriveRunFunction: [DELETES],
  ProviderFetchFunction: [DELETES, 'events:PutEvents event-bus/default'],
  CallbackDeliverFunction: [DELETES],
};

/** Polls for up to a few sweeps until the condition holds. */
const until = async (condition: string, isTrue: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + SWEEPS_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`not true within ${SWEEPS_MS} ms: ${condition}`);
    await sleep(200);
  }
};

test('deleting the stack leaves only the tables', async () => {
  await undeploy(target(), STACK);
  const [tables, machines, stacks] = [new DynamoDBClient(sdk()), new SFNClient(sdk()), new CloudFormationClient(sdk())];
  const { TableNames = [] } = await tables.send(new ListTablesCommand({}));
  expect(TableNames.map((name) => name.replace(/-\w+$/, '')).sort()).toEqual([
    `${STACK}-ClientTable`,
    `${STACK}-JobTable`,
  ]);
  expect((await machines.send(new ListStateMachinesCommand({}))).stateMachines).toEqual([]);
  const last = new Map<string, string>();
  for await (const { StackEvents = [] } of paginateDescribeStackEvents({ client: stacks }, { StackName: STACK })) {
    for (const { LogicalResourceId = '', ResourceStatus = '' } of StackEvents) {
      if (!last.has(LogicalResourceId)) last.set(LogicalResourceId, ResourceStatus);
    }
  }
  for (const id of Object.keys(deployment.physicalIds)) {
    const isRetained = ['ClientTable', 'JobTable'].includes(id);
    expect([id, last.get(id)]).toEqual([id, isRetained ? 'DELETE_SKIPPED' : 'DELETE_COMPLETE']);
  }
  // MiniStack reports the removal of the previous catalogue by an update only if it failed.
  expect([...last].filter(([, status]) => status.endsWith('_FAILED'))).toEqual([]);
}, 120_000);

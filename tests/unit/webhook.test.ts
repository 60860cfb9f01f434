import './function-environment.ts';
import { createHash } from 'node:crypto';
import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { ClientRateExceeded } from '@boomerang/core/use-cases/limit-client.ts';
import { describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import fc from 'fast-check';
import { createHandler, type Deps } from '../../functions/webhook/handler.ts';
import { hashRequest } from '../../functions/webhook/idempotency.ts';
import { parseShape } from '../../functions/webhook/job-request.ts';
import { createWebhookSchema } from '../../functions/webhook/schema.ts';
import { aCatalogue, aLog, CLIENT_ID, LEASE_MS, NOW, withoutNotifications } from '../builders.ts';
import { createFakeJobStore } from '../fakes/job-store.ts';

const GAS: Partial<ProviderInput> = {
  id: 'gas',
  url: 'https://gas.example/{account}{?size,from}',
  parameters: {
    type: 'object',
    required: ['account'],
    properties: {
      account: { type: 'string', pattern: '^[0-9a-z. ]{1,12}$', writeOnly: true },
      size: { type: 'integer', minimum: 1, maximum: 200, default: 100 },
      from: { type: 'string', format: 'date' },
      ratio: { type: 'number' },
    },
  },
};
const WATER: Partial<ProviderInput> = {
  id: 'water',
  parameters: { type: 'object', properties: { note: { type: 'string' } } },
};
const CATALOGUE = aCatalogue(GAS, WATER, 'internet', { ...WATER, id: 'constructor' });
const RULES = { allowHttp: false, exceptions: { networks: [], hosts: new Set<string>() } };
const callbackUrl = 'https://example.com/';

const createWorld = () => {
  const store = createFakeJobStore();
  const world = {
    ids: 0,
    reads: 0,
    rateChecks: 0,
    catalogue: CATALOGUE,
    rules: RULES,
    isLimited: false,
    now: NOW,
    log: aLog(),
  };
  const intake: Deps['intake'] = {
    ...store.intake,
    find: async (...args) => {
      world.reads += 1;
      return store.intake.find(...args);
    },
  };
  const limitClient = async () => {
    world.rateChecks += 1;
    if (world.isLimited) throw new ClientRateExceeded(1, 5_000);
  };
  const newId = () => {
    world.ids += 1;
    return `01a20b4c-cf47-716b-85d8-${world.ids.toString(16).padStart(12, '0')}`;
  };
  const post = async (body: unknown, idempotencyKey?: string) => {
    const handler = createHandler({
      ...withoutNotifications,
      intake,
      control: store.control,
      limitClient,
      log: world.log,
      catalogue: world.catalogue,
      callbackRules: world.rules,
      authenticate: async () => ({ clientId: CLIENT_ID, name: 'test' }),
      startExecution: async () => {},
      now: () => world.now,
      newId,
      leaseMs: LEASE_MS,
      fetchDeadlineMs: 1,
    });
    const headers = {
      'content-type': 'application/json',
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    };
    const event = { headers, requestContext: { requestId: 'r' }, body: JSON.stringify(body) };
    const response = await handler(event as unknown as APIGatewayProxyEventV2, {} as Context);
    const json = JSON.parse(response.body ?? '') as { jobId: string; errors?: { pointer: string; message: string }[] };
    return { ...response, body: json, pointers: json.errors?.map(({ pointer }) => pointer).sort() };
  };
  return { world, store, post };
};

describe('the parameters and metadata of a job', () => {
  test('are stored as posted, without defaults', async () => {
    const { post, store } = createWorld();
    const providers = [{ id: 'gas', parameters: { account: '1', ratio: 1e-7 } }, 'internet', { id: 'water' }];
    const metadata = { orderId: 'A-42', 'x.y_z-1': '😀' };
    const { statusCode, body } = await post({ providers, callbackUrl, metadata });
    expect(statusCode).toBe(202);
    expect(store.jobs.get(body.jobId)).toMatchObject({
      providers: ['gas', 'internet', 'water'],
      parameters: { gas: { account: '1', ratio: 1e-7 } },
      metadata,
    });
    expect(Object.keys(store.jobs.get(body.jobId)?.parameters ?? {})).toEqual(['gas']);
  });

  test('are absent if the request has none', async () => {
    const { post, store } = createWorld();
    const { body } = await post({
      providers: ['internet', { id: 'water', parameters: {} }],
      callbackUrl,
      metadata: {},
    });
    const job = store.jobs.get(body.jobId) ?? {};
    expect('parameters' in job || 'metadata' in job).toBe(false);
  });

  test('are stored for a provider whose id is an inherited property', async () => {
    const { post, store } = createWorld();
    const { body } = await post({ providers: [{ id: 'constructor', parameters: { note: 'x' } }], callbackUrl });
    expect(store.jobs.get(body.jobId)?.parameters).toEqual({ constructor: { note: 'x' } });
  });
});

describe('validation', () => {
  const pointersOf = async (change: object) =>
    (await createWorld().post({ providers: ['internet'], callbackUrl, ...change })).pointers;

  test.each<[string, unknown[], string[]]>([
    [
      'an unknown parameter',
      [{ id: 'gas', parameters: { account: '1', colour: 'red' } }],
      ['/providers/0/parameters/colour'],
    ],
    [
      'a parameter of a provider without parameters',
      ['gas', { id: 'internet', parameters: { a: 1 } }],
      ['/providers/0/parameters/account', '/providers/1/parameters/a'],
    ],
    ['a required parameter that is missing', ['internet', { id: 'gas' }], ['/providers/1/parameters/account']],
    [
      'a required parameter that is missing from the short form',
      ['internet', 'gas'],
      ['/providers/1/parameters/account'],
    ],
    [
      'several invalid parameters',
      [{ id: 'gas', parameters: { account: 'AB', size: 0, from: 'yesterday', ratio: '1', '~/': null } }],
      ['account', 'from', 'ratio', 'size', '~0~1'].map((name) => `/providers/0/parameters/${name}`),
    ],
    [
      'a value that is not a scalar',
      [{ id: 'gas', parameters: { account: ['1'], size: null } }],
      ['/providers/0/parameters/account', '/providers/0/parameters/size'],
    ],
    [
      'an integer beyond the safe range',
      [{ id: 'gas', parameters: { account: '1', size: 2 ** 53 } }],
      ['/providers/0/parameters/size'],
    ],
    ['a path segment of one dot', [{ id: 'gas', parameters: { account: '.' } }], ['/providers/0/parameters/account']],
    ['text that is not Unicode', [{ id: 'water', parameters: { note: '\ud800' } }], ['/providers/0/parameters/note']],
    ['parameters that are a list', [{ id: 'water', parameters: [] }], ['/providers/0/parameters']],
    ['parameters that are null', [{ id: 'water', parameters: null }], ['/providers/0/parameters']],
    ['an unknown property', [{ id: 'water', parameter: {} }], ['/providers/0/parameter']],
    ['no id', [{ parameters: {} }], ['/providers/0/id']],
    ['an id that is a number', [{ id: 7 }], ['/providers/0/id']],
    ['an unknown id', [{ id: 'wind' }, 'wind'], ['/providers/0/id', '/providers/1']],
    [
      'items that are neither strings nor objects',
      [7, null, ['gas']],
      ['/providers/0', '/providers/1', '/providers/2'],
    ],
    ['a provider twice', ['water', { id: 'water', parameters: { note: 'x' } }], ['/providers']],
    ['more than a kilobyte of parameters', [{ id: 'water', parameters: { note: 'x'.repeat(1004) } }], ['/providers']],
    [
      'more than a kilobyte of parameters over all providers',
      [
        { id: 'water', parameters: { note: 'é'.repeat(250) } },
        { id: 'constructor', parameters: { note: 'é'.repeat(251) } },
      ],
      ['/providers'],
    ],
  ])('rejects %s with 422 and a pointer to each fault', async (_name, providers, pointers) => {
    expect(await pointersOf({ providers })).toEqual(pointers);
  });

  test('accepts a kilobyte of parameters', async () => {
    expect(await pointersOf({ providers: [{ id: 'water', parameters: { note: 'x'.repeat(1003) } }] })).toBeUndefined();
  });

  const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, '']));
  test.each<[string, unknown, string[]]>([
    ['with a value that is not a string', { a: 7, b: null, c: 'x' }, ['/metadata/a', '/metadata/b']],
    ['with a key that contains a space', { 'a b': '' }, ['/metadata/a b']],
    ['with an empty key', { '': '' }, ['/metadata/']],
    ['with a key of 65 characters', { ['k'.repeat(65)]: '' }, [`/metadata/${'k'.repeat(65)}`]],
    ['with text that is not Unicode', { a: 'x\udc00' }, ['/metadata/a']],
    ['with 21 entries', entries(21), ['/metadata']],
    ['of more than a kilobyte', { a: 'x'.repeat(1017) }, ['/metadata']],
    ['of more than a kilobyte when escaped', { a: '\u0000'.repeat(170) }, ['/metadata']],
    ['that is a list', [], ['/metadata']],
    ['that is null', null, ['/metadata']],
    ['that is text', 'A-42', ['/metadata']],
  ])('rejects metadata %s with 422', async (_name, metadata, pointers) => {
    expect(await pointersOf({ metadata })).toEqual(pointers);
  });

  test.each([
    [entries(20)],
    [{ a: 'x'.repeat(1016) }],
    [{ ['k'.repeat(64)]: '' }],
    [{ constructor: 'x', toString: 'y' }],
  ])('accepts metadata such as %.40j', async (metadata) => expect(await pointersOf({ metadata })).toBeUndefined());

  test('rejects keys that change a prototype', async () => {
    const text = '{"providers":["internet"],"callbackUrl":"https://example.com/","metadata":{"__proto__":"x"}}';
    expect(createWebhookSchema(CATALOGUE, RULES).safeParse(JSON.parse(text)).success).toBe(false);
    const parameters =
      '{"providers":[{"id":"water","parameters":{"__proto__":"x"}}],"callbackUrl":"https://example.com/"}';
    expect(createWebhookSchema(CATALOGUE, RULES).safeParse(JSON.parse(parameters)).success).toBe(false);
  });

  test('reports all faults at once, without values of parameters or metadata', async () => {
    const { post } = createWorld();
    const secret = 'SECRET-VALUE';
    const { body, pointers } = await post({
      providers: ['wind', { id: 'gas', parameters: { account: secret, size: secret, more: secret } }],
      callbackUrl: 'http://example.com',
      metadata: { 'a b': secret, c: [secret] },
      more: 1,
    });
    expect(pointers).toEqual([
      '/callbackUrl',
      '/metadata/a b',
      '/metadata/c',
      '/more',
      '/providers/0',
      '/providers/1/parameters/account',
      '/providers/1/parameters/more',
      '/providers/1/parameters/size',
    ]);
    expect(JSON.stringify(body)).not.toContain(secret);
  });
});

describe('the hash of a request', () => {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('base64');

  test('covers only providers and callback URL if there are no parameters and metadata', () => {
    expect(hashRequest({ providers: ['gas', 'internet'], callbackUrl: 'https://example.com/complete' })).toBe(
      'WYkXkF+AUIFnf4AxFNRzAG/nspO+J4Nn6vZulTMX/w8=',
    );
    for (const request of [
      { providers: ['gas'], callbackUrl },
      { providers: [{ id: 'gas' }], callbackUrl, metadata: {} },
      { providers: [{ id: 'gas', parameters: {} }], callbackUrl },
    ]) {
      const shape = parseShape(request);
      expect(shape && hashRequest(shape)).toBe(sha256('[["gas"],"https://example.com/"]'));
    }
  });

  test('includes parameters and metadata as posted, with sorted keys', () => {
    const request = {
      providers: ['water', 'gas'],
      callbackUrl,
      parameters: { water: { note: 'é' }, gas: { size: 1, account: '1' } },
      metadata: { b: '2', a: '1' },
    };
    const inputJson =
      '{"metadata":{"a":"1","b":"2"},"parameters":{"gas":{"account":"1","size":1},"water":{"note":"é"}}}';
    expect(hashRequest(request)).toBe(sha256(`[["water","gas"],"https://example.com/",${inputJson}]`));
  });

  const key = fc.stringMatching(/^[A-Za-z][\w]{0,5}$/);
  const scalar = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
  );
  const input = fc.record(
    {
      parameters: fc.dictionary(key, fc.dictionary(key, scalar, { minKeys: 1, maxKeys: 4 }), {
        minKeys: 1,
        maxKeys: 3,
      }),
      metadata: fc.dictionary(key, fc.string(), { minKeys: 1, maxKeys: 5 }),
    },
    { requiredKeys: [] },
  );
  const reverseKeys = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .reverse()
            .map(([name, part]) => [name, reverseKeys(part)]),
        )
      : value;

  test('ignores the order of keys, and differs for any other value', () => {
    const base = { providers: ['gas'], callbackUrl };
    fc.assert(
      fc.property(input, input, (first, second) => {
        const hash = hashRequest({ ...base, ...first });
        expect(hashRequest({ ...base, ...(reverseKeys(first) as typeof first) })).toBe(hash);
        const toCanonicalJson = (value: unknown) =>
          JSON.stringify(value, (_key, part: unknown) =>
            typeof part === 'object' && part !== null
              ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
              : part,
          );
        if (toCanonicalJson(first) !== toCanonicalJson(second))
          expect(hashRequest({ ...base, ...second })).not.toBe(hash);
      }),
    );
  });

  test('of a valid request does not depend on the catalogue', () => {
    const schema = createWebhookSchema(CATALOGUE, RULES);
    const providers = fc.constantFrom<unknown>(
      'internet',
      { id: 'internet', parameters: {} },
      { id: 'gas', parameters: { account: '1', size: 5 } },
      { id: 'water', parameters: { note: '-0' } },
    );
    const url = fc.constantFrom(callbackUrl, 'HTTPS://BÜCHER.example:443/a/../é?x=é');
    const metadata = fc.dictionary(
      key,
      fc.string().map((text) => text.toWellFormed()),
      { maxKeys: 3 },
    );
    fc.assert(
      fc.property(fc.record({ providers: fc.tuple(providers), callbackUrl: url, metadata }), (request) => {
        expect(parseShape(request)).toEqual(schema.parse(request));
      }),
    );
  });
});

describe('a repeated request', () => {
  const request = {
    providers: [{ id: 'gas', parameters: { account: '1', size: 5 } }, 'water'],
    callbackUrl,
    metadata: { orderId: 'A-42' },
  };
  const equivalentRequest = {
    metadata: { orderId: 'A-42' },
    callbackUrl: 'https://EXAMPLE.com',
    providers: [
      { parameters: { size: 5.0, account: '1' }, id: 'gas' },
      { id: 'water', parameters: {} },
    ],
  };
  const STRICTER_GAS: Partial<ProviderInput> = {
    ...GAS,
    parameters: { type: 'object', required: ['holder'], properties: { holder: { type: 'string' } } },
  };

  test('returns the same job if only its spelling differs, and is rejected if its parameters or metadata differ', async () => {
    const { post } = createWorld();
    const first = await post(request, 'key');
    const replay = await post(equivalentRequest, 'key');
    expect([replay.statusCode, replay.body]).toEqual([202, first.body]);
    expect(replay.headers?.['idempotent-replayed']).toBe('true');
    for (const change of [
      { metadata: { orderId: 'A-43' } },
      { metadata: {} },
      { providers: [{ id: 'gas', parameters: { account: '1' } }, 'water'] },
    ]) {
      const conflict = await post({ ...request, ...change }, 'key');
      expect([conflict.statusCode, JSON.stringify(conflict.body)]).toEqual([
        422,
        expect.stringContaining('idempotency key'),
      ]);
    }
  });

  test.each<[string, (world: ReturnType<typeof createWorld>['world']) => void]>([
    ['requires other parameters', (world) => (world.catalogue = aCatalogue(STRICTER_GAS, WATER))],
    ['no longer has parameters', (world) => (world.catalogue = aCatalogue('gas', WATER))],
    ['no longer has one of the providers', (world) => (world.catalogue = aCatalogue(GAS))],
    ['no longer has any of the providers', (world) => (world.catalogue = aCatalogue('wind'))],
  ])('gets the same response when the catalogue %s', async (_name, changeCatalogue) => {
    const { post, world } = createWorld();
    const first = await post(request, 'key');
    changeCatalogue(world);
    const replay = await post(equivalentRequest, 'key');
    expect([replay.statusCode, replay.body]).toEqual([202, first.body]);
    expect(replay.headers).toMatchObject({ location: first.headers?.location, 'idempotent-replayed': 'true' });
    expect([world.reads, world.rateChecks]).toEqual([1, 2]);
  });

  test('for a job without parameters gets the same response when the catalogue now requires them', async () => {
    const { post, world } = createWorld();
    world.catalogue = aCatalogue('gas');
    const first = await post({ providers: ['gas'], callbackUrl }, 'key');
    world.catalogue = CATALOGUE;
    expect((await post({ providers: [{ id: 'gas' }], callbackUrl, metadata: {} }, 'key')).body).toEqual(first.body);
  });

  test('that is no longer valid is rejected unless it repeats the request of a stored job', async () => {
    const { post, world, store } = createWorld();
    await post(request, 'key');
    world.catalogue = aCatalogue(STRICTER_GAS, WATER);
    const invalidPointers = [
      '/providers/0/parameters/account',
      '/providers/0/parameters/holder',
      '/providers/0/parameters/size',
    ];
    const expectRejected = async (body: unknown, key: string | undefined, reads: number) => {
      const before = world.reads;
      const response = await post(body, key);
      expect([response.statusCode, response.pointers]).toEqual([422, invalidPointers]);
      expect(world.reads - before).toBe(reads);
    };
    await expectRejected(request, undefined, 0);
    await expectRejected(request, 'another key', 1);
    await expectRejected({ ...request, metadata: { orderId: 'A-43' } }, 'key', 1);
    world.now = NOW + 1_000;
    const [job] = store.jobs.values();
    if (job) store.jobs.set(job.jobId, { ...job, status: 'COMPLETE', expiresAt: NOW / 1000 });
    await expectRejected(request, 'key', 1);
  });

  test('with an invalid shape is rejected without a lookup', async () => {
    const { post, world } = createWorld();
    for (const body of [
      { ...request, metadata: 7 },
      { ...request, more: 1 },
      { ...request, callbackUrl: 'x' },
      { ...request, providers: [7] },
      [],
    ]) {
      expect((await post(body, 'key')).statusCode).toBe(422);
    }
    expect([world.reads, world.rateChecks]).toEqual([0, 0]);
  });

  test("counts towards the client's rate before it is looked up", async () => {
    const { post, world } = createWorld();
    await post(request, 'key');
    world.catalogue = aCatalogue(STRICTER_GAS);
    world.isLimited = true;
    expect((await post(request, 'key')).statusCode).toBe(429);
    expect([world.reads, world.rateChecks]).toEqual([0, 2]);
  });
});

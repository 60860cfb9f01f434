import './function-environment.ts';
import { parseOffers } from '@boomerang/core/domain/catalogue/offers.ts';
import { parameterFaults } from '@boomerang/core/domain/catalogue/parameters.ts';
import { newWatch, opened } from '@boomerang/core/domain/circuit.ts';
import { Problem } from '@boomerang/core/http/problem.ts';
import { describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { createHandler } from '../../functions/catalogue-read/handler.ts';
import { createReadCircuits } from '../../functions/catalogue-read/read-circuits.ts';
import { catalogueSchema, type OfferedProvider } from '../../functions/catalogue-read/schema.ts';
import { aLog, NOW } from '../builders.ts';
import { createFakeCircuits } from '../fakes/third-parties.ts';

const RULES = { windowMs: 60_000, minCalls: 20, failureRate: 0.9, openMs: 60_000 };

/** A catalogue in which everything that must stay secret contains HIDDEN. */
const CATALOGUE = JSON.stringify({
  providers: [
    {
      id: 'gas',
      title: 'Gas bills',
      description: 'Newest first',
      parameters: {
        type: 'object',
        required: ['account'],
        properties: {
          account: { type: 'string', pattern: '^[0-9]{8}$', writeOnly: true, default: 'HIDDEN-default', as: 'HIDDEN' },
          size: { type: 'integer', default: 100, title: 'Size' },
        },
      },
      url: 'https://HIDDEN.example/{account}{?size}',
      headers: { 'x-hidden': 'HIDDEN' },
      auth: { header: 'HIDDEN', secret: 'HIDDEN' },
      body: { HIDDEN: '{account}' },
    },
    { id: 'internet', url: '${PROVIDERS_API_URL}/HIDDEN' },
  ],
});

const GAS = { key: 'provider#gas', longestCallMs: 10_000 };
const UNCOUNTED = { calls: 0, failures: 0 };

const createWorld = () => {
  const circuits = createFakeCircuits();
  const world = { now: NOW, reads: 0, tallyReads: 0, isDown: false, areTalliesDown: false, log: aLog() };
  const list: typeof circuits.list = async (at) => {
    world.reads += 1;
    if (world.isDown) throw new Error('down');
    return circuits.list(at);
  };
  const sum: typeof circuits.sum = async (keys, windows) => {
    world.tallyReads += 1;
    if (world.areTalliesDown) throw new Error('down');
    return circuits.sum(keys, windows);
  };
  const handler = createHandler({
    authenticate: async (authorization) => {
      if (authorization === undefined) throw new Problem(401, 'No API key.');
      return { clientId: 'client', name: 'test' };
    },
    catalogue: parseOffers(CATALOGUE),
    readCircuits: createReadCircuits({
      circuits: { list },
      tallies: { sum },
      rules: RULES,
      now: () => world.now,
      log: world.log,
    }),
    log: world.log,
  });
  const getCatalogue = async (headers: object = { authorization: 'Bearer key' }) => {
    const event = { headers, requestContext: { requestId: 'r' } };
    const response = await handler(event as unknown as APIGatewayProxyEventV2, {} as Context);
    return { statusCode: response.statusCode, text: response.body ?? '', body: JSON.parse(response.body ?? '') };
  };
  const states = async () => (await getCatalogue()).body.providers.map(({ circuit }: OfferedProvider) => circuit);
  const recentCalls = async () =>
    catalogueSchema.parse((await getCatalogue()).body).providers.map((provider) => provider.recentCalls);
  /** Counts calls to `gas`. */
  const count = (window: number, calls: number, failures: number) =>
    circuits.count(GAS.key, window, { calls, failures, samples: calls }, (window + 3) * 60);
  return { world, circuits, getCatalogue, states, recentCalls, count };
};

describe('GET /catalogue', () => {
  test('lists the providers that jobs may request, with their parameters', async () => {
    const { statusCode, body } = await createWorld().getCatalogue();
    expect(statusCode).toBe(200);
    expect(catalogueSchema.parse(body)).toEqual({
      providers: [
        {
          id: 'gas',
          title: 'Gas bills',
          description: 'Newest first',
          parameters: {
            type: 'object',
            required: ['account'],
            properties: {
              account: { type: 'string', pattern: '^[0-9]{8}$', writeOnly: true },
              size: { type: 'integer', default: 100, title: 'Size' },
            },
            additionalProperties: false,
          },
          circuit: 'closed',
          recentCalls: UNCOUNTED,
        },
        { id: 'internet', circuit: 'closed', recentCalls: UNCOUNTED },
      ],
    });
  });

  test('hides how providers are called', async () => {
    expect((await createWorld().getCatalogue()).text).not.toMatch(/HIDDEN/i);
  });

  test('requires authentication', async () => {
    const { getCatalogue, world } = createWorld();
    expect((await getCatalogue({})).statusCode).toBe(401);
    expect(world.reads).toBe(0);
  });

  test('shows which circuits are open or half open', async () => {
    const { world, circuits, states } = createWorld();
    const open = opened('provider#gas', 1, NOW, RULES);
    await circuits.open(open, NOW);
    expect(await states()).toEqual(['open', 'closed']);
    world.now = open.openUntil;
    expect(await states()).toEqual(['half_open', 'closed']);
    await circuits.replace(open, { ...open, openUntil: world.now + 30_000, halfOpen: true });
    world.now += 10_000;
    expect(await states()).toEqual(['half_open', 'closed']);
  });

  test('reads the circuits once in five seconds, however many callers ask', async () => {
    const { world, getCatalogue } = createWorld();
    await Promise.all(Array.from({ length: 20 }, () => getCatalogue()));
    expect(world.reads).toBe(1);
    world.now += 4_999;
    await getCatalogue();
    expect(world.reads).toBe(1);
    world.now += 1;
    await getCatalogue();
    expect(world.reads).toBe(2);
  });

  test('shows how many recent calls to a watched provider failed: those of the previous and the current window', async () => {
    const { world, circuits, recentCalls, count } = createWorld();
    const window = NOW / 60_000;
    const start = NOW - 180_000;
    await circuits.watch(GAS.key, { ...newWatch(GAS, start, RULES), expiresAt: NOW / 1000 + 600 }, start);
    await count(window - 2, 100, 100);
    await count(window - 1, 30, 3);
    await count(window, 10, 0);
    const since = new Date(NOW - 60_000).toISOString();
    expect(await recentCalls()).toEqual([{ calls: 40, failures: 3, since }, UNCOUNTED]);
    world.now = NOW + 60_000;
    expect(await recentCalls()).toEqual([{ calls: 10, failures: 0, since: new Date(NOW).toISOString() }, UNCOUNTED]);
  });

  test('shows that a provider is watched from its first failure on, before calls are counted', async () => {
    const { world, circuits, recentCalls } = createWorld();
    await circuits.watch(GAS.key, newWatch(GAS, NOW, RULES), NOW);
    world.now = NOW + 5_000;
    expect(await recentCalls()).toEqual([{ ...UNCOUNTED, since: new Date(NOW).toISOString() }, UNCOUNTED]);
    // Without another failure, the watch ends.
    world.now = NOW + 60_000;
    expect(await recentCalls()).toEqual([UNCOUNTED, UNCOUNTED]);
  });

  test('shows the failures that opened a circuit until their windows are over', async () => {
    const { world, circuits, recentCalls, count } = createWorld();
    await circuits.open(opened(GAS.key, 1, NOW, RULES), NOW);
    await count(NOW / 60_000, 36, 36);
    expect(await recentCalls()).toMatchObject([{ calls: 36, failures: 36 }, UNCOUNTED]);
    world.now = NOW + 120_000;
    expect(await recentCalls()).toMatchObject([UNCOUNTED, UNCOUNTED]);
  });

  test('reads tallies together with the circuits, and only if a provider is watched or its circuit is open', async () => {
    const { world, circuits, getCatalogue } = createWorld();
    await getCatalogue();
    expect([world.reads, world.tallyReads]).toEqual([1, 0]);
    await circuits.watch(GAS.key, newWatch(GAS, NOW, RULES), NOW);
    world.now = NOW + 5_000;
    await Promise.all(Array.from({ length: 20 }, () => getCatalogue()));
    world.now = NOW + 9_999;
    await getCatalogue();
    expect([world.reads, world.tallyReads]).toEqual([2, 1]);
  });

  test('shows circuits without calls if only the tallies cannot be read', async () => {
    const { world, circuits, states, recentCalls } = createWorld();
    await circuits.watch(GAS.key, newWatch(GAS, NOW, RULES), NOW);
    world.areTalliesDown = true;
    expect(await states()).toEqual(['closed', 'closed']);
    expect(await recentCalls()).toEqual([undefined, undefined]);
    expect(world.log.lines).toMatchObject([{ level: 'warn' }]);
  });

  test('omits circuits that cannot be read, and logs why', async () => {
    const { world, getCatalogue, states } = createWorld();
    world.isDown = true;
    const { statusCode, body } = await getCatalogue();
    expect([statusCode, catalogueSchema.safeParse(body).success]).toEqual([200, true]);
    expect(await states()).toEqual([undefined, undefined]);
    expect(body.providers[1]).toEqual({ id: 'internet' });
    expect(world.log.lines).toMatchObject([{ level: 'warn' }]);
    world.isDown = false;
    world.now += 5_000;
    expect(await states()).toEqual(['closed', 'closed']);
  });
});

describe('the public part of a catalogue', () => {
  test('contains nothing about calls to providers except URLs, without their placeholders', () => {
    const offers = [...parseOffers(CATALOGUE).values()];
    expect(offers.map((offer) => Object.keys(offer).sort())).toEqual([
      ['description', 'id', 'parameters', 'title', 'url'],
      ['id', 'url'],
    ]);
    expect(offers[1]?.url).toBe('/HIDDEN');
  });

  test('tells which parameters are used in a path, of the URL or of a status URL template', () => {
    const string = { type: 'string' };
    const reports = {
      id: 'reports',
      url: 'https://reports.example/{?a}',
      parameters: { type: 'object', properties: { a: string, b: string, c: string } },
      polling: { statusUrl: { template: 'https://reports.example/{b}/{id}{?c}', idAt: '/id' }, intervalSeconds: 60 },
    };
    const faultsOf = (provider: object) => {
      const offer = parseOffers(JSON.stringify({ providers: [provider] })).get('reports');
      return offer && parameterFaults(offer, { a: '/', b: '/', c: '/' }).map(({ path }) => path);
    };
    expect(faultsOf(reports)).toEqual([['b']]);
    for (const statusUrl of ['location', { from: 'location' }, { at: '/links/status' }]) {
      expect(faultsOf({ ...reports, polling: { statusUrl } })).toEqual([]);
    }
  });

  test.each([
    '[]',
    'null',
    '{}',
    '{"providers":[{"id":"gas"}]}',
    '{"providers":[{"id":"gas","url":"x","parameters":{"properties":[]}}]}',
  ])('cannot be read from %s', (text) => expect(() => parseOffers(text)).toThrow(TypeError));
});

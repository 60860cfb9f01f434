import './function-environment.ts';
import type { Caller, ListedClient } from '@boomerang/core/ports/clients.ts';
import { describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { v4 as uuidv4, v7 as uuidv7 } from 'uuid';
import { createHandler, type Deps } from '../../functions/clients/handler.ts';
import { clientPageSchema, meSchema } from '../../functions/clients/schema.ts';
import { aLog, NOW } from '../builders.ts';

const OPERATOR: Caller = { clientId: uuidv7(), name: 'ops', isOperator: true };
const ACME: Caller = { clientId: uuidv7(), name: 'acme' };

const send = async (
  caller: Caller,
  routeKey: string,
  query: Record<string, string> = {},
  change: Partial<Deps> = {},
) => {
  const handler = createHandler({
    authenticate: async () => caller,
    listClients: async () => [OPERATOR, ACME],
    countPending: async () => ({ pendingJobs: 3, isTruncated: false }),
    now: () => NOW,
    log: aLog(),
    ...change,
  });
  const event = { routeKey, headers: {}, requestContext: {}, queryStringParameters: query };
  const { statusCode, body } = await handler(event as unknown as APIGatewayProxyEventV2, {} as Context);
  return { statusCode, json: JSON.parse(body ?? 'null') as object };
};

describe('GET /me', () => {
  test.each([
    [OPERATOR, true],
    [ACME, false],
  ])('describes the caller: %j', async (caller, isOperator) => {
    const { statusCode, json } = await send(caller, 'GET /me');
    expect(statusCode).toBe(200);
    expect(meSchema.strict().parse(json)).toEqual({ clientId: caller.clientId, name: caller.name, isOperator });
  });
});

describe('GET /clients', () => {
  const page = async (query: Record<string, string>, change: Partial<Deps> = {}) => {
    const { json } = await send(OPERATOR, 'GET /clients', query, change);
    return clientPageSchema.strict().parse(json);
  };

  test('returns 403 to a client that is not an operator', async () => {
    const { statusCode, json } = await send(ACME, 'GET /clients');
    expect(statusCode).toBe(403);
    expect(json).toMatchObject({ detail: 'Only operators may list clients.' });
  });

  test('shows each client with its pending jobs', async () => {
    const msecs = Date.parse('2026-03-04T05:06:07.890Z');
    const revoked = { clientId: uuidv7({ msecs }), name: 'gone', revokedAt: NOW };
    const { clients, cursor } = await page({}, { listClients: async () => [OPERATOR, revoked] });
    expect(cursor).toBeNull();
    expect(clients.find(({ name }) => name === 'gone')).toEqual({
      clientId: revoked.clientId,
      name: 'gone',
      isOperator: false,
      createdAt: '2026-03-04T05:06:07.890Z',
      revokedAt: new Date(NOW).toISOString(),
      pendingJobs: 3,
      pendingJobsTruncated: false,
    });
    expect(clients.find(({ name }) => name === 'ops')).toMatchObject({ isOperator: true, revokedAt: null });
  });

  test.each(['local', uuidv4(), '01a20b4c-cf47-016b-85d8-5343742576b8'])(
    'has no createdAt for the id %s, which does not contain a time',
    async (clientId) => {
      const { clients } = await page({}, { listClients: async () => [{ clientId, name: 'x' }] });
      expect(clients[0]?.createdAt).toBeNull();
    },
  );

  test('pages through all clients, newest first, each once', async () => {
    const all = Array.from(
      { length: 7 },
      (_, index): ListedClient => ({
        clientId: uuidv7({ msecs: NOW + index }),
        name: String(index),
      }),
    );
    const listClients = async () => [...all.slice(3), ...all.slice(0, 3)];
    const names: string[] = [];
    let cursor: string | null | undefined;
    do {
      const next = await page({ limit: '3', ...(cursor && { cursor }) }, { listClients });
      names.push(...next.clients.map(({ name }) => name));
      cursor = next.cursor;
    } while (cursor);
    expect(names).toEqual(['6', '5', '4', '3', '2', '1', '0']);
  });

  test('stops counting pending jobs when time is up, and marks the clients not counted', async () => {
    let now = NOW;
    const all = Array.from({ length: 100 }, (): ListedClient => ({ clientId: uuidv7(), name: 'x' }));
    let counted = 0;
    const { clients } = await page(
      { limit: '100' },
      {
        now: () => now,
        listClients: async () => all,
        countPending: async () => {
          counted += 1;
          now += 100;
          return { pendingJobs: 1, isTruncated: false };
        },
      },
    );
    expect(clients).toHaveLength(100);
    expect(counted).toBeLessThan(50);
    expect(clients.filter(({ pendingJobsTruncated }) => pendingJobsTruncated)).toHaveLength(100 - counted);
  });

  test.each([{ limit: '0' }, { cursor: 'x' }, { clientId: ACME.clientId }])('refuses the query %j', async (query) => {
    expect((await send(OPERATOR, 'GET /clients', query as Record<string, string>)).statusCode).toBe(422);
  });
});

import { isCompleteEnabled } from '@boomerang/core/http/routes.ts';
import { describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { createResolver, readTemplate } from '../../local/template.ts';
import { aLog, SECRET } from '../builders.ts';
import './function-environment.ts';

const { createHandler } = await import('../../functions/complete/handler.ts');
const { createHandler: createFallback } = await import('../../functions/route-fallback/handler.ts');

const MIB = 1024 * 1024;

const anEvent = (change: Partial<APIGatewayProxyEventV2> = {}): APIGatewayProxyEventV2 =>
  ({
    rawPath: '/complete',
    headers: { 'content-type': 'application/json' },
    requestContext: { requestId: 'request-1' },
    isBase64Encoded: false,
    ...change,
  }) as APIGatewayProxyEventV2;

const createWorld = ({ isEnabled = true, secret }: { isEnabled?: boolean; secret?: string } = {}) => {
  const log = aLog();
  const handler = createHandler({ log, isEnabled, findSecret: async () => secret });
  return { log, post: async (change: Partial<APIGatewayProxyEventV2>) => handler(anEvent(change), {} as Context) };
};

/** A valid body of exactly this size. */
const aBodyOfBytes = (bytes: number) => {
  const [head, tail] = ['{"jobId":"a","data":["', '"]}'];
  return head + 'x'.repeat(bytes - head.length - tail.length) + tail;
};

describe('POST /complete', () => {
  test('accepts a body of 1 MiB but not a byte more, as text and as base64', async () => {
    const { post } = createWorld();
    for (const [bytes, status] of [
      [MIB, 200],
      [MIB + 1, 413],
    ] as const) {
      const body = aBodyOfBytes(bytes);
      const asBase64 = { body: Buffer.from(body).toString('base64'), isBase64Encoded: true };
      expect([(await post({ body })).statusCode, (await post(asBase64)).statusCode]).toEqual([status, status]);
    }
  });

  test('accepts as many entries, nested as deeply, as fit in 1 MiB', async () => {
    const { post, log } = createWorld();
    const many = `{"jobId":"a","data":[${Array(340_000).fill('[]').join()}]}`;
    const deep = `{"jobId":"a","data":[${'['.repeat(500_000)}${']'.repeat(500_000)}]}`;
    for (const body of [many, deep])
      expect(await post({ body })).toMatchObject({ statusCode: 200, body: `{"message":${body}}` });
    expect(log.lines).toMatchObject([{ data: { entries: 340_000 } }, { data: { entries: 1 } }]);
  });

  test.each([
    ['data of another type', { data: {} }, '/data'],
    ['no data', {}, '/data'],
    ['null', { data: null }, '/data'],
    ['an array-like object', { data: { length: 0 } }, '/data'],
    ['an empty id', { jobId: '', data: [] }, '/jobId'],
    ['an unknown property', { data: [], metadata2: 1 }, '/metadata2'],
    ['an invalid metadata key', { data: [], metadata: { '': 'a' } }, '/metadata'],
    ['metadata values that are not strings', { data: [], metadata: { orderId: 1 } }, '/metadata'],
  ])('rejects %s', async (_name, change, pointer) => {
    const { statusCode, body = '' } = await createWorld().post({ body: JSON.stringify({ jobId: 'a', ...change }) });
    expect([statusCode, JSON.parse(body).errors]).toMatchObject([422, [{ pointer }]]);
  });

  test('with a secret, rejects an unsigned body before parsing it, and logs the failure', async () => {
    const { post, log } = createWorld({ secret: SECRET });
    expect((await post({ body: '{' })).statusCode).toBe(401);
    expect(log.lines).toMatchObject([{ message: 'Authentication failed', data: { reason: 'bad_signature' } }]);
  });
});

describe('with POST /complete disabled', () => {
  test.each<[string, Partial<APIGatewayProxyEventV2>]>([
    ['a callback', { body: '{"jobId":"a","data":[]}' }],
    ['malformed JSON', { body: '{' }],
    ['another content type', { headers: {}, body: 'x' }],
    ['too large a body', { body: aBodyOfBytes(2 * MIB) }],
    ['no body', {}],
    ['a query', { rawQueryString: 'a=1', queryStringParameters: { a: '1' } }],
  ])('%s gets the response of an unknown route', async (_name, change) => {
    const fallback = createFallback({ log: aLog(), isDisabled: () => false });
    const expected = await fallback(anEvent({ rawPath: '/nowhere' }), {} as Context);
    expect(expected.statusCode).toBe(404);
    expect(await createWorld({ isEnabled: false }).post(change)).toEqual(expected);
  });

  test('another method gets the response of an unknown route, too', async () => {
    const send = async (isDisabled: boolean) =>
      createFallback({ log: aLog(), isDisabled: () => isDisabled })(anEvent(), {} as Context);
    expect((await send(true)).statusCode).toBe(404);
    expect(await send(false)).toMatchObject({ statusCode: 405, headers: { allow: 'POST' } });
  });

  test('it is disabled on every stage except local and dev, unless a secret is set', () => {
    const template = readTemplate('template.yaml');
    const isEnabled = (logicalId: string, Stage: string, CompleteSecretName: string) => {
      const resolve = createResolver(template, {
        parameters: { Stage, CompleteSecretName },
        ref: String,
        getAtt: String,
      });
      const { Environment } = resolve(template.Resources[logicalId]?.Properties) as {
        Environment: { Variables: Record<string, string> };
      };
      const variables = Environment.Variables;
      return isCompleteEnabled({
        COMPLETE_UNSIGNED: variables.COMPLETE_UNSIGNED === 'true',
        COMPLETE_SECRET_NAME: variables.COMPLETE_SECRET_NAME ?? '',
      });
    };
    for (const logicalId of ['CompleteFunction', 'RouteFallbackFunction']) {
      const stages = (template.Parameters.Stage as unknown as { AllowedValues: string[] }).AllowedValues;
      expect(stages.filter((stage) => isEnabled(logicalId, stage, '')).sort()).toEqual(['dev', 'local']);
      expect(stages.filter((stage) => isEnabled(logicalId, stage, 'receiver'))).toEqual(stages);
    }
  });
});

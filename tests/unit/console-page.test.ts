import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { matchesEtag } from '@boomerang/core/http/etag.ts';
import { acceptsGzip } from '@boomerang/core/http/static-content.ts';
import { describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { createHandler } from '../../functions/console/handler.ts';
import { page } from '../../functions/console/page.ts';
import { aLog } from '../builders.ts';

const ETAG = `W/"${page.digest}"`;

const getPage = async (headers: Record<string, string>) =>
  createHandler({ log: aLog() })({ headers } as unknown as APIGatewayProxyEventV2, {} as Context);

const html = gunzipSync(Buffer.from(page.gzip, 'base64')).toString('utf8');

test('the page has at most 45 KiB, compressed', () => {
  expect(Buffer.from(page.gzip, 'base64').length).toBeLessThanOrEqual(45 * 1024);
});

test('the page is compressed for clients that accept it', async () => {
  const { statusCode, headers, body, isBase64Encoded } = await getPage({ 'accept-encoding': 'gzip, deflate, br' });
  expect([statusCode, isBase64Encoded, body]).toEqual([200, true, page.gzip]);
  expect(headers).toMatchObject({
    'content-encoding': 'gzip',
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    vary: 'accept-encoding',
    etag: ETAG,
  });
});

test('the page is not compressed for other clients', async () => {
  const { statusCode, headers, body, isBase64Encoded = false } = await getPage({});
  expect([statusCode, isBase64Encoded, body]).toEqual([200, false, html]);
  expect(headers).not.toHaveProperty('content-encoding');
});

test('the page is not sent again to a client that has it', async () => {
  const { statusCode, headers, body } = await getPage({ 'if-none-match': `"other", ${ETAG}` });
  expect([statusCode, body]).toEqual([304, undefined]);
  expect(headers).toMatchObject({ etag: ETAG });
});

describe('the policy of the page', () => {
  const hashOf = (element: string): string => {
    const [, content = ''] = new RegExp(`<${element}>(.*)</${element}>`, 's').exec(html) ?? [];
    return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
  };

  test('allows its own script and style, and nothing else', async () => {
    const { headers } = await getPage({});
    expect(headers?.['content-security-policy']).toBe(
      `default-src 'none'; script-src ${hashOf('script')}; style-src ${hashOf('style')}; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'`,
    );
  });

  test('covers the whole page: one script, one style, no other resource', () => {
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html.match(/<style/g)).toHaveLength(1);
    expect(html).not.toMatch(/<[^>]+ (?:src|on\w+|style)=/);
    expect(html.match(/<link [^>]*>/g)).toEqual([expect.stringMatching(/^<link rel="icon" href="data:/)]);
  });
});

test.each([
  ['gzip', true],
  ['br, GZIP;q=0.5', true],
  ['*', true],
  ['gzip;q=1.0', true],
  ['gzip;q=0', false],
  ['gzip; q=0.00', false],
  ['br', false],
  ['', false],
  [undefined, false],
])('Accept-Encoding %s accepts gzip: %s', (header, expected) => {
  expect(acceptsGzip(header)).toBe(expected);
});

test.each([
  ['W/"a"', true],
  ['"a"', true],
  ['"b", W/"a"', true],
  ['*', true],
  ['"b"', false],
  [undefined, false],
])('If-None-Match %s matches W/"a": %s', (header, expected) => {
  expect(matchesEtag(header, 'W/"a"')).toBe(expected);
});

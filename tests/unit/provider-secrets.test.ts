import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { HttpFailure, type HttpRequest, type HttpResponse, type SendHttp } from '@boomerang/core/ports/http.ts';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fetchFrom } from '../fetching.ts';

/**
 * Providers and token endpoints that repeat the request in many encodings and with any status. No log line, error or
 * outcome may contain a secret, a token or a value of a `writeOnly` parameter.
 */

const SECRET_CHARACTERS = /^[A-Za-z0-9+/=:%&"'\\~é -]{8,30}$/;
const secretText = fc
  .stringMatching(SECRET_CHARACTERS)
  .filter((text) => text.trim() === text && /[A-Za-z]{3}/.test(text));
/** Too short to be masked, and absent from our own texts. */
const shortText = fc.constantFrom('ж', 'Qz', '€', 'éQ', '~');
const token = fc.stringMatching(/^[A-Za-z0-9._~+/-]{8,40}$/).map((text) => `tok-${text}`);

/** The ways in which a provider repeats a text. */
const encodings: Record<string, (text: string) => string> = {
  raw: (text) => text,
  url: (text) => encodeURIComponent(text),
  form: (text) => new URLSearchParams({ q: text }).toString(),
  json: (text) => JSON.stringify({ message: text }),
  jsonTwice: (text) => JSON.stringify(JSON.stringify(text)),
  base64: (text) => Buffer.from(text).toString('base64'),
  base64url: (text) => Buffer.from(`x${text}`).toString('base64url'),
  html: (text) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
  // Excerpts are cut at 200 characters, within the text.
  afterDots: (text) => `${'.'.repeat(170)}${text}`,
};

const auths = fc.constantFrom<ProviderInput['auth']>(
  undefined,
  { header: 'authorization', prefix: 'Bearer ', secret: 'key' },
  { header: 'x-key', secret: 'key' },
  { kind: 'query', parameter: 'api_key', secret: 'key' },
  { kind: 'basic', username: 'boomerang-user', secret: 'key' },
  { kind: 'oauth2', tokenUrl: 'https://id.example/token', clientId: 'boomerang', secret: 'key' },
  { kind: 'oauth2', tokenUrl: 'https://id.example/token', clientId: 'boomerang', secret: 'key', clientAuth: 'post' },
);

const scenario = fc.record({
  secret: secretText,
  account: fc.oneof(secretText, shortText),
  tokens: fc.array(token, { minLength: 2, maxLength: 2 }),
  auth: auths,
  encoding: fc.constantFrom(...Object.keys(encodings)),
  status: fc.constantFrom(200, 202, 206, 302, 400, 401, 403, 404, 429, 500, 503),
  tokenStatus: fc.constantFrom(200, 200, 200, 200, 400, 401, 500),
  failsAtCall: fc.constantFrom(1, 1, 2, 3),
  isBodyBroken: fc.boolean(),
  method: fc.constantFrom('GET', 'POST'),
  readsPartOfBody: fc.boolean(),
  exception: fc.constantFrom('none', 'none', 'connection', 'bug'),
});

/** Everything in a request that may contain a secret. */
const secretPartsOf = ({ url, headers = {}, body = '' }: HttpRequest): string => {
  const basic = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1];
  const decoded = basic ? Buffer.from(basic, 'base64').toString() : '';
  const { searchParams, pathname } = new URL(url);
  const values = [decodeURIComponent(pathname), ...searchParams.values(), ...Object.values(headers), body, decoded];
  return values.join(' ');
};

test('no secret is logged, thrown or stored', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (input) => {
      const encode = encodings[input.encoding] ?? ((text: string) => text);
      const isPost = input.method === 'POST';
      let calls = 0;
      let tokens = 0;
      const response = (statusCode: number, body: string, headers: Record<string, string> = {}): HttpResponse => ({
        statusCode,
        headers: { 'content-type': 'application/json', ...headers },
        body: Buffer.from(body),
        durationMs: 1,
        ...(input.isBodyBroken && {
          bodyFailure: { class: 'bad_body', message: `coding ${body} is not known` } as const,
        }),
      });
      const send: SendHttp = async (request) => {
        if (request.url.startsWith('https://id.example')) {
          const access_token = input.tokens[tokens++ % 2] ?? '';
          if (input.tokenStatus === 200) {
            const body = JSON.stringify({ access_token, token_type: 'bearer', expires_in: 60 });
            return { ...response(200, body), bodyFailure: undefined } as unknown as HttpResponse;
          }
          const error_description = `${secretPartsOf(request)} ${encode(secretPartsOf(request))} ${input.tokens[0]}`;
          return response(
            input.tokenStatus,
            JSON.stringify({ error: 'invalid_client', error_description, ...(input.isBodyBroken && { access_token }) }),
          );
        }
        calls += 1;
        if (calls < input.failsAtCall) {
          const body = Buffer.from(JSON.stringify({ items: [calls], next: `cursor-${calls}` }));
          return { statusCode: 200, headers: {}, body, durationMs: 1 };
        }
        if (input.exception === 'connection') throw new HttpFailure('connection_broken', 'ECONNRESET', 1);
        if (input.exception === 'bug') throw new Error('a bug of ours');
        const location = `/moved/${encodeURIComponent(encode(secretPartsOf(request)))}`;
        return response(input.status, encode(secretPartsOf(request)), {
          location,
          link: `<https://x.example/${location}>; rel=next`,
        });
      };
      const provider: Partial<ProviderInput> = {
        url: isPost ? 'https://gas.example/bills' : 'https://gas.example/bills{?account}',
        method: isPost ? 'POST' : 'GET',
        ...(isPost && { body: { account: '{account}' }, repeatable: true }),
        parameters: { type: 'object', properties: { account: { type: 'string', writeOnly: true } } },
        ...(input.auth && { auth: input.auth }),
        ...(input.failsAtCall > 1
          ? { pagination: { kind: 'cursor', cursorAt: '/next', parameter: 'c', itemsAt: '/items' } }
          : input.readsPartOfBody && { dataAt: '/data', bodyErrors: [{ at: '/message', means: 'refused' as const }] }),
      };
      const { error, log, fetched } = await fetchFrom({
        provider,
        deps: { send },
        secret: input.secret,
        request: { job: { parameters: { gas: { account: input.account } } } },
      });
      const { json: _, ...outcome } = fetched ?? {};
      const output = `${error?.name} ${error?.message} ${JSON.stringify(log.lines)} ${JSON.stringify(outcome)}`;
      const hidden = [...(input.auth ? [input.secret] : []), input.account, ...input.tokens];
      for (const value of hidden) {
        const { afterDots: __, ...recognisable } = encodings;
        for (const encodeValue of Object.values(recognisable)) {
          const encoded = encodeValue(value);
          // A short value is recognisable only in its raw form.
          if (encoded.length < 4 && encoded !== value) continue;
          expect(output).not.toContain(encoded.replace(/^q=/, ''));
        }
      }
      expect(error === undefined || error.message.length < 1024 || error.message === 'a bug of ours').toBe(true);
    }),
    { numRuns: 600 },
  );
});

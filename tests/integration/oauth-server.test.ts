import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import type { ProviderInput } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import OAuthServer from 'oidc-provider';
import { fetchFrom } from '../fetching.ts';

/** Tests Boomerang as an OAuth client (client-credentials grant) against a third-party server, `oidc-provider`. */

/** Credentials with special characters. RFC 6749, appendix A, allows all printable ASCII. */
const SPECIAL = { id: `a:b+c%d /"'~`, secret: 'p:a+s%41s w&=r?d~*()!' };
const PLAIN = { id: 'boomerang', secret: 'gas-client_secret.1' };
const METHODS = ['client_secret_basic', 'client_secret_post'] as const;

const clientsOf = ({ id, secret }: typeof PLAIN) =>
  METHODS.map((method) => ({
    client_id: `${id} ${method}`,
    client_secret: secret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: method,
    scope: 'bills',
  }));

let url: string;
let oauth: OAuthServer;
let stop: () => void;
let tokenRequests = 0;

/** An API that accepts the server's tokens and answers with their claims. */
const answerBills = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
  const [, value = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
  const token = await oauth.ClientCredentials.find(value);
  response.setHeader('content-type', 'application/json');
  if (!token) {
    response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end('{}');
    return;
  }
  response.end(JSON.stringify({ client: token.clientId, scope: token.scope, audience: token.aud }));
  if (request.url === '/bills/once') await token.destroy();
};

beforeAll(async () => {
  const server = http.createServer((request, response) => {
    if (request.url?.startsWith('/bills')) return void answerBills(request, response);
    if (request.url === '/token') tokenRequests += 1;
    void oauth.callback()(request, response);
  });
  // oidc-provider warns about its in-memory storage.
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  oauth = new OAuthServer(url, {
    clients: [...clientsOf(PLAIN), ...clientsOf(SPECIAL)],
    scopes: ['bills', 'invoices'],
    clientBasedCORS: () => false,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // The server supports `resource` (RFC 8707); Auth0 and others call the same thing `audience`.
        defaultResource: (context: { oidc: { body?: { audience?: string } } }) => context.oidc.body?.audience ?? [],
        getResourceServerInfo: (_: unknown, resource: string) => ({
          scope: 'bills invoices',
          audience: resource,
          accessTokenTTL: 600,
          accessTokenFormat: 'opaque',
        }),
      },
    },
    ttl: { ClientCredentials: 600 },
  });
  warn.mockRestore();
  stop = () => {
    server.close();
    server.closeAllConnections();
  };
});
afterAll(() => stop());

type OAuthInput = Extract<NonNullable<ProviderInput['auth']>, { kind: 'oauth2' }>;

const fetchAs = async (
  client: typeof PLAIN,
  method: (typeof METHODS)[number],
  {
    path = '/bills',
    send = createNodeHttp(),
    ...auth
  }: Partial<OAuthInput> & { path?: string; send?: ReturnType<typeof createNodeHttp> } = {},
) => {
  const oauth2: OAuthInput = {
    kind: 'oauth2',
    tokenUrl: `${url}/token`,
    clientId: `${client.id} ${method}`,
    secret: 'key',
    clientAuth: method === 'client_secret_basic' ? 'basic' : 'post',
    ...auth,
  };
  return fetchFrom({ provider: { url: `${url}${path}`, auth: oauth2 }, deps: { send }, secret: client.secret });
};

describe.each(METHODS)('with %s', (method) => {
  test.each([
    ['usual', PLAIN],
    ['special', SPECIAL],
  ])('a client whose credentials have %s characters gets a token', async (_case, client) => {
    const { json, name } = await fetchAs(client, method);
    expect(name).toBe('fetched');
    expect(JSON.parse(json ?? '')).toMatchObject({ client: `${client.id} ${method}` });
  });

  test('a token has the scope and the audience that the catalogue states', async () => {
    const { json } = await fetchAs(PLAIN, method, { scope: 'bills', audience: 'https://api.gas.example' });
    expect(JSON.parse(json ?? '')).toMatchObject({ scope: 'bills', audience: 'https://api.gas.example' });
  });

  test('a wrong secret is reported as a refused credential, with the OAuth error', async () => {
    const { name, failure, countedMetrics, log } = await fetchAs({ ...PLAIN, secret: 'wrong-secret' }, method);
    expect([name, failure.class, failure.statusCode]).toEqual(['CredentialRefused', 'credential_refused', 401]);
    expect(failure.excerpt).toContain('token endpoint: invalid_client');
    expect(countedMetrics).toEqual(['CredentialsRefused']);
    expect(JSON.stringify([failure, log.lines])).not.toContain('wrong-secret');
  });

  test('an unknown client is reported as a refused credential', async () => {
    const { failure } = await fetchAs({ ...PLAIN, id: 'somebody' }, method);
    expect(failure).toMatchObject({ class: 'credential_refused', excerpt: expect.stringContaining('invalid_client') });
  });

  test('credentials with characters that OAuth does not allow are reported as refused', async () => {
    for (const client of [
      { ...PLAIN, id: 'bü' },
      { ...PLAIN, secret: 'geheimnis-für-gas' },
    ]) {
      const { failure } = await fetchAs(client, method);
      expect(failure).toMatchObject({
        class: 'credential_refused',
        excerpt: expect.stringMatching(/invalid_(request|client)/),
      });
    }
  });

  test('a scope that the client may not request is reported as a refused credential', async () => {
    const { failure } = await fetchAs(PLAIN, method, { scope: 'bills invoices' });
    expect(failure).toMatchObject({ class: 'credential_refused', statusCode: 400 });
    expect(failure.excerpt).toContain('token endpoint: invalid_scope');
  });

  test('a token is reused until the API refuses it, then replaced once', async () => {
    const send = createNodeHttp();
    tokenRequests = 0;
    await fetchAs(PLAIN, method, { send });
    expect((await fetchAs(PLAIN, method, { send, path: '/bills/once' })).name).toBe('fetched');
    expect(tokenRequests).toBe(1);
    const concurrent = await Promise.all(Array.from({ length: 50 }, () => fetchAs(PLAIN, method, { send })));
    expect(new Set(concurrent.map(({ name }) => name))).toEqual(new Set(['fetched']));
    expect(tokenRequests).toBe(2);
  });
});

test('a token URL that responds with 404 is reported as a refused credential', async () => {
  const { failure } = await fetchAs(PLAIN, 'client_secret_basic', { tokenUrl: `${url}/no-such-page` });
  expect(failure).toMatchObject({ class: 'credential_refused', statusCode: 404 });
});

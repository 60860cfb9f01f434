import {
  InvalidCatalogue,
  parseCatalogue,
  parseDeployedCatalogue,
} from '@boomerang/core/domain/catalogue/catalogue.ts';
import type { CatalogueFault } from '@boomerang/core/domain/catalogue/fault.ts';
import { findRepeatedKeys, locateFaults } from '@boomerang/core/domain/catalogue/locate-faults.ts';
import { describe, expect, test } from '@jest/globals';

const faultsOf = (text: string, placeholders: Record<string, string> = {}): readonly CatalogueFault[] => {
  try {
    parseCatalogue(text, placeholders);
    return [];
  } catch (error) {
    if (error instanceof InvalidCatalogue) return error.faults;
    throw error;
  }
};
const describeFaults = (text: string, placeholders?: Record<string, string>): string[] =>
  locateFaults(text, faultsOf(text, placeholders)).map(
    ({ path, message, line, column }) => `${line}:${column} ${path.join('.')}: ${message}`,
  );

const provider = { id: 'p', url: 'https://h.example' };
const withFields = (fields: Record<string, unknown>) => JSON.stringify({ providers: [{ ...provider, ...fields }] });
const messagesOf = (fields: Record<string, unknown>): string[] =>
  faultsOf(withFields(fields)).map(({ path, message }) => `${path.slice(2).join('.')}: ${message}`);
const parameters = (properties: Record<string, unknown>, required: string[] = []) => ({
  parameters: { type: 'object', required, properties },
});
const post = { method: 'POST', repeatable: true };
const polling = (fields: Record<string, unknown>) => ({ polling: { statusUrl: 'location', ...fields } });
const cursor = { kind: 'cursor', cursorAt: '/next', parameter: 'cursor' };
const lastItem = { kind: 'cursor', lastItemAt: '/id', parameter: 'after' };
const auth = { header: 'authorization', secret: 's' };

describe('a provider', () => {
  test.each<[string, Record<string, unknown>]>([
    ['an id and a URL only', {}],
    ['a header credential without a kind', { auth: { header: 'x-api-key', secret: 'gas-key' } }],
    ['user info', { url: 'https://user:pass@h.example/x' }],
    ['a POST with a body', { ...post, body: { a: ['{p}'] }, ...parameters({ p: { type: 'string', default: 'x' } }) }],
    ['a POST with an idempotency header', { method: 'POST', idempotencyHeader: 'Idempotency-Key' }],
    ['a POST without a body', post],
    ['a content type of its own', { ...post, body: {}, headers: { 'content-type': 'application/vnd.api+json' } }],
    ['constant headers', { headers: { 'Accept-Language': 'en', accept: 'application/json', 'x-a': 'ü' } }],
    ['a credential in the query', { auth: { kind: 'query', parameter: 'key', secret: 's' }, url: 'https://h?a=1' }],
    ['HTTP Basic', { auth: { kind: 'basic', username: 'ä b', secret: 's' } }],
    ['HTTP Basic without a user name', { auth: { kind: 'basic', username: '', secret: 's' } }],
    ['OAuth', { auth: { kind: 'oauth2', tokenUrl: 'https://id.example/token?x=1', clientId: 'c', secret: 's' } }],
    ['pages with a cursor in the last item', { pagination: lastItem }],
    ['pages', { pagination: { ...cursor, itemsAt: '/data' } }],
    ['pages and dataAt', { pagination: cursor, dataAt: '/x' }],
    ['pages of a POST that is repeatable', { ...post, pagination: cursor }],
    ['polling', polling({})],
    ['polling by status', polling({ statusAt: '/s', pending: ['A', 1], succeeded: ['B', null], failed: ['1'] })],
    [
      'polling at a template',
      {
        url: 'https://user:pass@h.example/r/{account}{?size}',
        ...parameters({ account: { type: 'string' }, size: { type: 'integer' } }, ['account']),
        ...polling({ statusUrl: { template: 'https://h.example:443/r/{account}/{id}{?size}', idAt: '/id' } }),
      },
    ],
    ['polling at a pointer', polling({ statusUrl: { at: '/links/0/~1a' }, resultUrlAt: '/result' })],
    ['responses', { responses: { 404: 'empty', '5xx': 'refused' } }],
    [
      "parameters sent under each other's names",
      {
        url: 'https://h.example{?a,b}',
        ...parameters({ a: { type: 'string', as: 'b' }, b: { type: 'string', as: 'a' } }),
      },
    ],
    ['a parameter called id', parameters({ id: { type: 'string' } })],
  ])('may have %s', (_name, fields) => {
    expect(messagesOf(fields)).toEqual([]);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ method: 'POST' }, 'method: Must come with idempotencyHeader or'],
    [{ body: {} }, 'body: Must come with "method": "POST"'],
    [{ body: null }, 'body: Must come with "method": "POST"'],
    [{ idempotencyHeader: 'x' }, 'idempotencyHeader: Must come with "method": "POST"'],
    [{ repeatable: true }, 'repeatable: Must come with "method": "POST"'],
    [{ method: 'PUT' }, 'method: Must be one of "GET", "POST"'],
    [{ ...post, body: { a: '{p}' } }, 'body.a: Must declare {p} in parameters'],
    [
      { ...post, body: { a: ['x{p}'] }, ...parameters({ p: { type: 'string' } }) },
      'body.a.0: Must be the whole string {p}',
    ],
    [{ url: 'https://h{?p}' }, 'url: Must declare {p} in parameters'],
    [{ url: 'https://h/{p}', ...parameters({ p: { type: 'string' } }) }, 'url: Must not use {p} outside'],
    [{ url: 'https://h/{+p}' }, 'url: Must have {name}'],
    [{ url: 'ftp://h' }, 'url: Must be an absolute URL'],
    [{ url: 1 }, 'url: Must be a string'],
    [{ headers: { 'X-A': '1', 'x-a': '2' } }, 'headers.x-a: Must be the only "x-a" header'],
    [{ headers: { Authorization: 'x' }, auth }, 'headers.Authorization: Must be the only "authorization" header'],
    [
      { headers: { authorization: 'x' }, auth: { kind: 'basic', username: 'u', secret: 's' } },
      'headers.authorization: Must be the only',
    ],
    [
      { ...post, idempotencyHeader: 'X-K', auth: { ...auth, header: 'x-k' } },
      'idempotencyHeader: Must be the only "x-k"',
    ],
    [{ ...post, idempotencyHeader: 'Content-Type' }, 'idempotencyHeader: Must be a dedicated header'],
    [{ ...post, body: 1, auth: { ...auth, header: 'content-type' } }, 'auth.header: Must not be the content-type'],
    [{ headers: { Authorization: 'x' }, url: 'https://u@h' }, 'headers.Authorization: Must not come with user info'],
    [{ headers: { 'x-a': 'a\r\nb' } }, 'headers.x-a: Must have only characters'],
    [{ headers: { 'x-a': '日' } }, 'headers.x-a: Must have only characters'],
    [{ headers: { 'x-a': 'a\u0000' } }, 'headers.x-a: Must have only characters'],
    [{ headers: { Range: 'bytes=0-1' } }, 'headers.Range: Must not be a header of the HTTP client'],
    [{ headers: { Host: 'x' } }, 'headers: Key "Host": Must not be a header of the HTTP client'],
    [{ headers: { 'a b': 'x' } }, 'headers: Key "a b": Must be a header name'],
    [{ auth: { ...auth, prefix: 'Bearer\n' } }, 'auth.prefix: Must have only characters'],
    [{ auth: { kind: 'jwt' } }, 'auth.kind: Must be one of "header", "query", "basic", "oauth2"'],
    [
      { auth: { kind: 'query', parameter: 'a', secret: 's' }, url: 'https://h?a=1' },
      'auth.parameter: Must not be in the query',
    ],
    [{ auth: { kind: 'query', parameter: 'a b', secret: 's' } }, 'auth.parameter: Must be the name of a query'],
    [{ auth: { kind: 'basic', username: 'a:b', secret: 's' } }, 'auth.username: Must have no ":"'],
    [{ auth: { kind: 'basic', username: 'a\u0085', secret: 's' } }, 'auth.username: Must have no ":"'],
    [{ auth: { kind: 'basic', username: 'a', secret: 's' }, url: 'https://u@h' }, 'auth: Must not come with user info'],
    [
      { auth: { kind: 'oauth2', tokenUrl: 'https://h/#', clientId: 'c', secret: 's' } },
      'auth.tokenUrl: Must have no fragment',
    ],
    [
      { auth: { kind: 'oauth2', tokenUrl: 'https://u@h/', clientId: 'c', secret: 's' } },
      'auth.tokenUrl: Must have no user info',
    ],
    [
      { auth: { kind: 'oauth2', tokenUrl: 'file:///x', clientId: 'c', secret: 's' } },
      'auth.tokenUrl: Must be an absolute URL',
    ],
    [
      { auth: { kind: 'oauth2', tokenUrl: 'https://h/{x}', clientId: 'c', secret: 's' } },
      'auth.tokenUrl: Must have no variables',
    ],
    [{ pagination: { ...cursor, parameter: '\ud800' } }, 'pagination.parameter: Must be the name of a query parameter'],
    [{ auth: { kind: 'query', parameter: '\ud800', secret: 's' } }, 'auth.parameter: Must be the name of a query'],
    [{ pagination: cursor, url: 'https://h?cursor=1' }, 'pagination.parameter: Must not be in the query'],
    [
      { pagination: cursor, url: 'https://h{?a}', ...parameters({ a: { type: 'string', as: 'cursor' } }) },
      'pagination.parameter: Must not be in the query',
    ],
    [
      { pagination: cursor, auth: { kind: 'query', parameter: 'cursor', secret: 's' } },
      'pagination.parameter: Must not be the parameter of the credential',
    ],
    [{ pagination: cursor, method: 'POST', idempotencyHeader: 'k' }, 'pagination: Must come with "repeatable": true'],
    [{ pagination: cursor, ...polling({}) }, 'pagination: Must not come with polling'],
    [{ pagination: { ...cursor, itemsAt: '/a' }, dataAt: '/b' }, 'pagination.itemsAt: Must not come with dataAt'],
    [
      { pagination: { kind: 'graph' } },
      'pagination.kind: Must be one of "link", "next-url", "cursor", "page", "offset"',
    ],
    [{ pagination: {} }, 'pagination.kind: Is required'],
    [{ pagination: { ...cursor, maxPages: 51 } }, 'pagination.maxPages: Must be at most 50'],
    [{ pagination: { ...cursor, cursorAt: 'next' } }, 'pagination.cursorAt: Must be a JSON Pointer'],
    [{ pagination: { ...lastItem, lastItemAt: 'id' } }, 'pagination.lastItemAt: Must be a JSON Pointer'],
    [{ pagination: { ...cursor, lastItemAt: '/id' } }, 'pagination.lastItemAt: Must not come with cursorAt'],
    [{ pagination: { kind: 'cursor', parameter: 'c' } }, 'pagination: Must have cursorAt or lastItemAt'],
    [{ pagination: { kind: 'link', lastItemAt: '/id' } }, 'pagination: Unknown key "lastItemAt"'],
    [polling({ statusAt: '/s' }), 'polling.succeeded: Must have at least 1 item'],
    [polling({ pending: ['A'] }), 'polling.pending: Must come with statusAt'],
    [polling({ failed: ['A'] }), 'polling.failed: Must come with statusAt'],
    [
      polling({ statusAt: '/s', pending: ['A'], succeeded: ['B', 'A'] }),
      'polling.succeeded.1: Must not also be in pending',
    ],
    [polling({ statusAt: '/s', succeeded: [null], failed: [null] }), 'polling.failed.0: Must not also be in succeeded'],
    [polling({ statusUrl: 'here' }), 'polling.statusUrl: Must be "location", or an object'],
    [polling({ statusUrl: { template: 'https://h.example/{id}' } }), 'polling.statusUrl.idAt: Is required'],
    [polling({ statusUrl: { at: '/a', idAt: '/b' } }), 'polling.statusUrl: Unknown key "idAt"'],
    [
      polling({ statusUrl: { template: 'https://other.example/{id}', idAt: '/id' } }),
      'polling.statusUrl.template: Must have the same origin as the url',
    ],
    [
      polling({ statusUrl: { template: 'http://h.example/{id}', idAt: '/id' } }),
      'polling.statusUrl.template: Must have the same origin as the url',
    ],
    [
      polling({ statusUrl: { template: 'https://h.example/{name}/{id}', idAt: '/id' } }),
      'polling.statusUrl.template: Must declare {name}',
    ],
    [
      polling({ statusUrl: { template: 'https://h.example/{+id}', idAt: '/id' } }),
      'polling.statusUrl.template: Must have {name}',
    ],
    [
      polling({ statusUrl: { template: 'https://h.example/x', idAt: '/id' } }),
      'polling.statusUrl.template: Must contain {id}',
    ],
    [
      {
        ...polling({ statusUrl: { template: 'https://h.example/{id}', idAt: '/id' } }),
        ...parameters({ id: { type: 'string' } }),
      },
      'polling.statusUrl.template: Must not come with a parameter named id',
    ],
    [
      {
        ...polling({ statusUrl: { template: 'https://h.example/{id}?k=1', idAt: '/id' } }),
        auth: { kind: 'query', parameter: 'k', secret: 's' },
      },
      "polling.statusUrl.template: Must not have the credential's query parameter",
    ],
    [polling({ intervalSeconds: 0 }), 'polling.intervalSeconds: Must be at least 1'],
    [{ responses: { 600: 'data' } }, 'responses: Key "600": Must be a status code'],
    [{ responses: { 404: 'nothing' } }, 'responses.404: Must be one of'],
    [{ bodyErrors: [{ at: '/e', means: 'data' }] }, 'bodyErrors.0.means: Must be one of'],
    [{ rateLimitReset: { header: 'x', unit: 'minutes' } }, 'rateLimitReset.unit: Must be one of'],
    [{ title: 'x'.repeat(201) }, 'title: Must have at most 200 characters'],
    [{ maxBytes: '1' }, 'maxBytes: Must be a number'],
    [{ timeoutMs: 1.5 }, 'timeoutMs: Must be an integer'],
    [{ colour: 'blue' }, ': Unknown key "colour"'],
  ])('may not have %j', (fields, fault) => {
    expect(messagesOf(fields)).toEqual([expect.stringContaining(fault)]);
    expect(messagesOf(fields)[0]?.indexOf(fault)).toBe(0);
  });
});

describe('parameters', () => {
  const string = { type: 'string' };
  test.each<[Record<string, unknown>, string[]]>([
    [{ a: { type: 'string', pattern: '^\\p{L}{1,3}$', default: 'é' } }, []],
    [{ a: { type: 'integer', minimum: 1, maximum: 1, default: 1 } }, []],
    [{ a: { type: 'number', exclusiveMinimum: 0, maximum: 0.5, enum: [0.25, 0.5] } }, []],
    [{ a: { type: 'boolean', const: true, default: true } }, []],
    [{ a: { type: 'string', enum: ['x', 'y'], default: 'y', title: 'A', description: 'B', writeOnly: true } }, ['a']],
    [{ a: { type: 'string', format: 'date', default: '2026-01-31' } }, []],
    [{ constructor: string, toString: string }, ['constructor']],
    [{}, []],
  ])('may be %j', (properties, required) => {
    expect(messagesOf(parameters(properties, required))).toEqual([]);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ a: { type: 'text' } }, 'a.type: Must be one of "string", "integer", "number", "boolean"'],
    [{ a: { type: ['string', 'null'] } }, 'a.type: Must be one of'],
    [{ a: {} }, 'a.type: Is required'],
    [{ a: { type: 'object' } }, 'a.type: Must be one of'],
    [{ a: { ...string, items: {} } }, 'a: Unknown key "items"'],
    [{ a: { ...string, $ref: '#' } }, 'a: Unknown key "$ref"'],
    [{ a: { ...string, format: 'phone' } }, 'a.format: Must be one of "date", "time"'],
    [{ a: { ...string, format: 'regex' } }, 'a.format: Must be one of'],
    [{ a: { ...string, minimum: 1 } }, 'a.minimum: Must come with "type": "integer" or "number"'],
    [{ a: { type: 'boolean', multipleOf: 2 } }, 'a.multipleOf: Must come with'],
    [{ a: { type: 'integer', minLength: 1 } }, 'a.minLength: Must come with "type": "string"'],
    [{ a: { type: 'integer', pattern: '1' } }, 'a.pattern: Must come with "type": "string"'],
    [{ a: { type: 'number', format: 'date' } }, 'a.format: Must come with "type": "string"'],
    [{ a: { ...string, pattern: '(' } }, 'a.pattern: Must be a regular expression'],
    [{ a: { ...string, pattern: '\\-' } }, 'a.pattern: Must be a regular expression'],
    [{ a: { ...string, minLength: 3, maxLength: 2 } }, 'a.minLength: Must not be greater than maxLength'],
    [
      { a: { type: 'integer', minimum: 3, maximum: 2 } },
      'a.minimum: Must allow at least one value together with maximum',
    ],
    [
      { a: { type: 'number', minimum: 3, exclusiveMaximum: 3 } },
      'a.minimum: Must allow at least one value together with exclusiveMaximum',
    ],
    [
      { a: { type: 'number', exclusiveMinimum: 3, maximum: 3 } },
      'a.exclusiveMinimum: Must allow at least one value together with maximum',
    ],
    [
      { a: { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 1 } },
      'a.exclusiveMinimum: Must allow at least one value',
    ],
    [{ a: { type: 'integer', minimum: 0.1, maximum: 0.9 } }, 'a.minimum: Must allow at least one value'],
    [{ a: { ...string, default: 1 } }, 'a.default: Must be a string'],
    [{ a: { ...string, examples: ['a', 1] } }, 'a.examples.1: Must be a string'],
    [{ a: { ...string, examples: [] } }, 'a.examples: '],
    [{ a: { ...string, examples: ['abc'], maxLength: 2 } }, 'a.examples.0: Must have at most 2 characters'],
    [{ a: { ...string, default: null } }, 'a.default: Must be a string, or a number, or true or false'],
    [{ a: { ...string, default: 'abc', maxLength: 2 } }, 'a.default: Must have at most 2 characters'],
    [{ a: { ...string, default: '2026-02-30', format: 'date' } }, 'a.default: Must be a date'],
    [{ a: { ...string, default: 'c', enum: ['a', 'b'] } }, 'a.default: Must be one of "a", "b"'],
    [{ a: { ...string, enum: ['a', 1] } }, 'a.enum.1: Must be a string'],
    [{ a: { ...string, enum: ['a', 'abc'], maxLength: 2 } }, 'a.enum.1: Must have at most 2'],
    [{ a: { ...string, enum: [] } }, 'a.enum: Must have at least 1 item'],
    [{ a: { type: 'integer', const: 1.5 } }, 'a.const: Must be an integer'],
    [{ a: { type: 'integer', default: 2 ** 53 } }, 'a.default: Must be between'],
    [{ a: { ...string, as: 'a b' } }, 'a.as: Must be a query parameter name'],
  ])('may not be %j', (properties, fault) => {
    const messages = messagesOf(parameters(properties));
    expect(messages.map((message) => message.replace('parameters.properties.', ''))).toEqual([
      expect.stringContaining(fault),
    ]);
  });

  test.each<[Record<string, unknown>, string[]]>([
    [parameters({ a: string }, ['b']), ['parameters.required.0: Must be one of the properties']],
    [parameters({ a: string }, ['toString']), ['parameters.required.0: Must be one of the properties']],
    [parameters({ a: string }, ['a', 'a']), ['parameters.required.1: Must be listed once']],
    [
      parameters({ a: { ...string, as: 'x' }, b: { ...string, as: 'x' } }),
      [
        "parameters.properties.a.as: Must not be another parameter's name",
        "parameters.properties.b.as: Must not be another parameter's name",
      ],
    ],
    [
      { url: 'https://h{?a,b}', ...parameters({ a: { ...string, as: 'b' }, b: string }) },
      ["parameters.properties.a.as: Must not be another parameter's name"],
    ],
    [parameters({ '1a': string }), ['parameters.properties: Key "1a": Must be a letter']],
    [{ parameters: { type: 'array', properties: {} } }, ['parameters.type: Must be "object"']],
    [{ parameters: { properties: {} } }, ['parameters.type: Is required']],
    [{ parameters: { type: 'object' } }, ['parameters.properties: Is required']],
    [
      { parameters: { type: 'object', properties: {}, additionalProperties: true } },
      ['parameters.additionalProperties: Must be false'],
    ],
    [
      { url: 'https://h/{a}', ...parameters({ a: { ...string, default: 'x/y' } }) },
      ['parameters.properties.a.default: Must not have "/"'],
    ],
    [
      { url: 'https://h/{a}', ...parameters({ a: { ...string, enum: ['x', '..'] } }, ['a']) },
      ['parameters.properties.a.enum.1: Must not be "." or ".."'],
    ],
    [
      {
        ...polling({ statusUrl: { template: 'https://h.example/{a}/{id}', idAt: '/id' } }),
        ...parameters({ a: { ...string, default: '%' } }),
      },
      ['parameters.properties.a.default: Must not have "/"'],
    ],
  ])('may not be declared by %j', (fields, faults) => {
    const messages = messagesOf(fields);
    expect(messages).toHaveLength(faults.length);
    for (const [index, fault] of faults.entries()) expect(messages[index]).toContain(fault);
  });
});

describe('catalogue faults', () => {
  test('are all reported at once, with their positions in the file', () => {
    const text = `{
  "providers": [
    { "id": "gas", "url": "\${PROVIDERS_API_URL}/gas{?from}", "timeoutMs": 0 },
    {
      "id": "gas",
      "url": "https://h.example/{account}/{unknown}",
      "color": "blue",
      "method": "POST",
      "parameters": { "type": "object", "properties": {
        "account": { "type": "string", "minLength": "1" },
        "from": { "type": "string", "items": [] }
      } }
    },
    7,
    { "url": "https://h.example" }
  ],
  "more": 1
}`;
    expect(describeFaults(text)).toEqual([
      '3:27 providers.0.url: ${PROVIDERS_API_URL} is used here, but PROVIDERS_API_URL is not set',
      '3:75 providers.0.timeoutMs: Must be at least 1',
      '5:13 providers.1.id: Duplicate id "gas"',
      '6:14 providers.1.url: Must declare {unknown} in parameters',
      '7:7 providers.1: Unknown key "color"',
      '8:17 providers.1.method: Must come with idempotencyHeader or "repeatable": true, because a POST may be sent twice',
      '10:53 providers.1.parameters.properties.account.minLength: Must be a number',
      '11:37 providers.1.parameters.properties.from: Unknown key "items"',
      '14:5 providers.2: Must be an object',
      '15:5 providers.3.id: Is required',
      '17:3 : Unknown key "more"',
    ]);
    expect(describeFaults(text, { PROVIDERS_API_URL: 'https://x' })).toContain(
      '3:27 providers.0.url: Must declare {from} in parameters',
    );
  });

  test('of parameters and headers do not hide faults of the URL and of other headers', () => {
    const fields = {
      url: 'https://h/{a}{',
      headers: { host: 'x', 'x-a': 'a\nb', 'X-b': '1', 'x-B': '2' },
      parameters: {
        type: 'object',
        required: ['z'],
        properties: { a: { type: 'string', default: '..' }, b: { type: 'string', minimum: 1 }, c: { type: 'list' } },
      },
      polling: { statusUrl: 'header' },
    };
    expect(messagesOf(fields).toSorted()).toEqual([
      'headers.x-B: Must be the only "x-b" header',
      'headers.x-a: Must have only characters that a header can carry',
      'headers: Key "host": Must not be a header of the HTTP client',
      'parameters.properties.a.default: Must not be "." or ".."',
      'parameters.properties.b.minimum: Must come with "type": "integer" or "number"',
      'parameters.properties.c.type: Must be one of "string", "integer", "number", "boolean"',
      'parameters.required.0: Must be one of the properties',
      'polling.statusUrl: Must be "location", or an object',
      'url: Must have a "}" for each "{"',
    ]);
  });

  test('of invalid JSON are a single fault, with its position', () => {
    expect(faultsOf('{\n  "providers": [}')).toEqual([
      { path: [], message: expect.stringMatching(/^Must be JSON: /), line: 2, column: 17 },
    ]);
    expect(describeFaults('')).toEqual([expect.stringMatching(/^1:1 : Must be JSON/)]);
  });

  test.each([
    '{"url":"https://u:hunter2@h",}',
    '{"url":"hunter2"} x',
    '{"url":"hunter2" oops',
    '["hunter2\n"]',
    'hunter2',
  ])('of invalid JSON do not quote the file: %j', (text) => {
    expect(JSON.stringify(faultsOf(text))).not.toMatch(/hunter2|\\n/);
  });

  test('include only the first of two JSON errors', () => {
    expect(faultsOf('[}{')).toHaveLength(1);
  });

  test('are in the error message, in one line', () => {
    expect(() => parseCatalogue('{"providers":[{"id":"A"},{"id":"b"}]}', {})).toThrow(
      /^providers\.0\.id: Must match [^\n]*; providers\.0\.url: Is required; providers\.1\.url: Is required$/,
    );
  });

  test.each([
    ['null', 'Must be an object'],
    ['[]', 'Must be an object'],
    ['{}', 'Is required'],
    ['{"providers":[]}', 'Must have at least 1 item'],
    ['{"providers":{}}', 'Must be an array'],
    ['{"providers":[],"$schema":1}', 'Must be a string'],
  ])('of %s state the constraint', (text, message) => {
    expect(faultsOf(text).map((fault) => fault.message)).toContain(message);
  });

  test('name the key "__proto__"', () => {
    const text =
      '{"providers":[{"id":"p","url":"https://h","method":"POST","repeatable":true,"body":{"a":{"__proto__":{}}}}]}';
    expect(describeFaults(text)).toEqual(['1:90 providers.0.body.a: Must not have the key "__proto__"']);
  });

  test('include unset placeholders, even if they have the name of an inherited property', () => {
    const text = '{"providers":[{"id":"p","url":"https://h/${constructor}/${A}","headers":{"x-a":"${A}"}}]}';
    expect(describeFaults(text).map((line) => line.split(' is used')[0])).toEqual([
      '1:31 providers.0.url: ${constructor}',
      '1:31 providers.0.url: ${A}',
      '1:80 providers.0.headers.x-a: ${A}',
    ]);
    expect(describeFaults('{"providers":[{"id":"p","url":"${A}"}]}', { A: '' })).toHaveLength(1);
  });

  test.each([
    ['with closing brackets', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['without closing brackets', '['.repeat(100_000)],
    ['of objects', '{"a":'.repeat(100_000)],
  ])('of a body nested too deeply are a single fault, with its position (%s)', (_case, deepBody) => {
    const text = `{"providers":[{"id":"p","url":"https://h","method":"POST","repeatable":true,\n"body":${deepBody}}]}`;
    expect(describeFaults(text)).toEqual([expect.stringMatching(/^2:\d+ : Must be nested at most 64 levels deep$/)]);
  });

  test('do not include too deep nesting if the brackets are in a string', () => {
    const brackets = `\\"${'['.repeat(1_000)}`;
    expect(() =>
      parseCatalogue(`{"providers":[{"id":"p","url":"https://h","title":"${brackets.slice(0, 100)}"}]}`, {}),
    ).not.toThrow();
  });

  test('of a repeated key are positioned at its last occurrence, which has the effect', () => {
    const text = '{"providers":[{"id":"p","url":"https://h","timeoutMs":1,\n"timeoutMs":0}]}';
    expect(describeFaults(text)).toEqual(['2:13 providers.0.timeoutMs: Must be at least 1']);
    expect(findRepeatedKeys(text)).toEqual([
      { path: ['providers', 0], key: 'timeoutMs', message: 'Duplicate key "timeoutMs"', line: 2, column: 1 },
    ]);
    expect(findRepeatedKeys('{"a":{"b":1},"b":[{"b":1}]}')).toEqual([]);
    expect(findRepeatedKeys('')).toEqual([]);
  });

  test('do not include $schema', () => {
    expect(
      faultsOf('{"$schema":"../../docs/catalogue.schema.json","providers":[{"id":"p","url":"https://h"}]}'),
    ).toEqual([]);
  });
});

test('URLs in catalogues of earlier versions keep their meaning', () => {
  const parse = (url: string) => parseCatalogue(JSON.stringify({ providers: [{ id: 'p', url }] }), {}).get('p')?.url;
  expect(parse(' https://h/a\tb\n#c ')).toBe('https://h/ab#c');
  expect(parse(`https://h/${'x'.repeat(5000)}`)).toHaveLength(5010);
  expect(parse('https://u:p@h/a|b?c=^%zz')).toBe('https://u:p@h/a|b?c=^%zz');
});

describe('a deployed catalogue', () => {
  const messageOf = (text: string): string => {
    try {
      parseDeployedCatalogue(text, {});
      return '';
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidCatalogue);
      return (error as Error).message;
    }
  };

  test('is validated field by field', () => {
    expect(
      messageOf('{"providers":[{"id":"A","url":1},{"id":"b","url":"${X}","x":1},{"id":"b","url":"https://h"}]}'),
    ).toMatch(
      /^providers\.1\.url: .*X is not set; providers\.0\.id: .*; providers\.0\.url: .*; providers\.1: .*"x"; providers\.2\.id: Duplicate id "b"$/,
    );
    expect(messageOf('{"providers":')).toMatch(/not JSON/);
    expect(messageOf('null')).toMatch(/^catalogue: /);
  });

  test('is not validated by the rules between fields', () => {
    expect(messageOf(withFields({ method: 'POST' }))).toBe('');
  });
});

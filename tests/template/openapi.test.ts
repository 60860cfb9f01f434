import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { callbackBody } from '@boomerang/core/domain/callback-body.ts';
import { ROUTES } from '@boomerang/core/http/routes.ts';
import { describe, expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { createPage, PAGE_POLICY } from '../../functions/api-docs/page.ts';
import renderer from '../../functions/api-docs/renderer.json' with { type: 'json' };
import { type OpenApiDocument, withProviders } from '../../functions/api-docs/with-providers.ts';
import { createWebhookSchema } from '../../functions/webhook/schema.ts';
import { providersApi } from '../../tools/openapi/providers-api.ts';
import { serviceApi } from '../../tools/openapi/service-api.ts';
import { aCatalogue } from '../builders.ts';

const documents = { service: serviceApi, providers: providersApi };

type Content = Record<string, { schema: object; example?: unknown }>;
type Operation = {
  operationId: string;
  tags: string[];
  summary: string;
  security: unknown[] | undefined;
  parameters?: { name: string; schema: { examples?: unknown[] } }[];
  requestBody?: { content: Content };
  responses: Record<string, { description: string; headers?: object; content?: Content }>;
};

const operationsOf = ({ paths, webhooks = {} }: OpenApiDocument): [string, Operation][] =>
  Object.entries({ ...paths, ...webhooks }).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation as unknown as Operation,
    ]),
  );

/** The parts of a document as JSON, by name, such as `paths /jobs`. */
const partsOf = (document: object): Map<string, string> =>
  new Map(
    Object.entries(document).flatMap(([key, value]) =>
      typeof value === 'object'
        ? Object.entries(value).map(([name, part]): [string, string] => [`${key} ${name}`, JSON.stringify(part)])
        : [[key, JSON.stringify(value)] as [string, string]],
    ),
  );

/** Validates values against a part of a document; returns the errors, or undefined if there are none. */
const validatorOf = (document: OpenApiDocument) => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, 'document');
  // References in a part are relative to the document.
  const resolveReferences = (part: object) =>
    JSON.parse(JSON.stringify(part).replaceAll('"#/', '"document#/')) as object;
  return (schema: object, value: unknown): string | undefined => {
    const validate = ajv.compile(resolveReferences(schema));
    return validate(value) ? undefined : ajv.errorsText(validate.errors);
  };
};

describe.each(['service', 'providers'] as const)('the document of the %s API', (api) => {
  const committed = JSON.parse(readFileSync(`docs/openapi/${api}.json`, 'utf8')) as OpenApiDocument;

  test('is up to date with the schemas (npm run openapi)', () => {
    const [found, expected] = [partsOf(committed), partsOf(documents[api])];
    const outdated = [...new Set([...found.keys(), ...expected.keys()])].filter(
      (name) => found.get(name) !== expected.get(name),
    );
    expect(outdated.map((name) => `docs/openapi/${api}.json: ${name}`)).toEqual([]);
    expect([...found]).toEqual([...expected]);
  });

  test('is OpenAPI 3.1', async () => {
    expect(await new Validator().validate(structuredClone(committed))).toEqual({ valid: true });
  });

  test('has exactly the routes of the API', () => {
    const routes = Object.entries(committed.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect([
      ...ROUTES[api]
        .filter((route) => !routes.includes(route))
        .map((route) => `tools/openapi/${api}-api.ts has no ${route}`),
      ...routes
        .filter((route) => !ROUTES[api].some((known) => known === route))
        .map((route) => `packages/core/http/routes.ts: ROUTES.${api} lacks ${route}`),
    ]).toEqual([]);
  });

  const operations = operationsOf(committed);
  const errorsIn = validatorOf(committed);

  test('gives each operation a unique id, a summary and a declared tag', () => {
    const ids = operations.map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = (committed as unknown as { tags: { name: string; description: string }[] }).tags.map(
      ({ name }) => name,
    );
    for (const [name, { summary, tags: operationTags }] of operations) {
      expect([name, summary]).toEqual([name, expect.stringMatching(/^[A-Z].+[^.]$/)]);
      expect([name, tags.includes(operationTags[0] ?? '')]).toEqual([name, true]);
    }
  });

  test('lists the error responses of the gateway and of an outage for every operation', () => {
    for (const [name, { responses }] of operations.filter(([, { operationId }]) => operationId !== 'callback')) {
      for (const status of ['422', '429', '500', '503'])
        expect([name, Object.keys(responses)]).toEqual([name, expect.arrayContaining([status])]);
      for (const status of ['429', '503']) {
        expect([name, Object.keys(responses[status]?.headers ?? {})]).toEqual([name, ['retry-after']]);
        expect(
          errorsIn(responses[status]?.content?.['application/json']?.schema ?? {}, { message: 'Too Many Requests' }),
        ).toBeUndefined();
      }
    }
  });

  test('has a valid example of every parameter and every request body', () => {
    for (const [name, { parameters = [], requestBody, responses }] of operations) {
      for (const { name: parameter, schema } of parameters) {
        const { examples = [] } = schema;
        expect([name, parameter, examples.length > 0]).toEqual([name, parameter, true]);
        for (const example of examples) expect([parameter, errorsIn(schema, example)]).toEqual([parameter, undefined]);
      }
      const bodies = Object.values(requestBody?.content ?? {});
      for (const { example } of bodies) expect([name, example]).not.toEqual([name, undefined]);
      const responseBodies = Object.values(responses).flatMap(({ content = {} }) => Object.values(content));
      const withExample = [...bodies, ...responseBodies].filter((content) => content.example !== undefined);
      for (const { schema, example } of withExample) {
        expect([name, errorsIn(schema, example)]).toEqual([name, undefined]);
      }
    }
  });

  test("passes Redocly's recommended rules without a warning", () => {
    const lint = ['node_modules/@redocly/cli/bin/cli.js', 'lint', `docs/openapi/${api}.json`];
    const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
    const found = execFileSync(process.execPath, [...lint, '--extends=recommended', '--format=json'], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(JSON.parse(found.toString())).toMatchObject({ totals: { errors: 0, warnings: 0 }, problems: [] });
  });
});

describe('the document of the service API', () => {
  const committed = JSON.parse(readFileSync('docs/openapi/service.json', 'utf8')) as OpenApiDocument;
  const schemas = (document: OpenApiDocument) => document.components?.schemas as Record<string, object>;

  test('describes the callback that is sent', () => {
    const errorsIn = validatorOf(committed);
    const callback = operationsOf(committed).find(([, { operationId }]) => operationId === 'callback')?.[1];
    const schema = callback?.requestBody?.content['application/json']?.schema ?? {};
    const jobId = '01a20b4c-cf47-716b-85d8-5343742576b8';
    const bodyOf = (...entries: Parameters<typeof callbackBody>[1]) =>
      JSON.parse(callbackBody(jobId, entries)) as object;
    const failure = { class: 'bad_status', statusCode: 500 } as const;
    const values = ['null', '[]', '{"a":1}', '"text"', '1.5'].map((json) => ({
      providerId: 'gas',
      fetchedAt: 0,
      json,
    }));
    const sent = bodyOf(...values, { providerId: 'internet', code: 'PROVIDER_REFUSED', failure });
    for (const part of [schema, schemas(committed).JobData ?? {}]) {
      expect(errorsIn(part, sent)).toBeUndefined();
      expect(errorsIn(part, { jobId, data: [{ providerId: 'gas', fetchedAt: '2026-01-01T00:00:00.000Z' }] })).toContain(
        'oneOf',
      );
    }
    expect(callback?.parameters?.map(({ name }) => name)).toEqual([
      'webhook-id',
      'webhook-timestamp',
      'webhook-signature',
      'user-agent',
    ]);
  });

  test('accepts the same callback URLs as the API, which accepts its example', () => {
    const errorsIn = validatorOf(committed);
    const schema = schemas(committed).JobRequest ?? {};
    const rules = { allowHttp: true, exceptions: { networks: [], hosts: new Set<string>() } };
    const webhook = createWebhookSchema(aCatalogue('gas', 'internet'), rules);
    const { example } = committed.paths['/webhook']?.post?.requestBody?.content['application/json'] ?? {};
    expect(webhook.safeParse(example).success).toBe(true);
    const urls: [url: string, isValid: boolean][] = [
      ['https://example.com', true],
      ['HTTPS://example.com:8443/a?b=c@d', true],
      ['http://example.com/', true],
      ['https://user@example.com/', false],
      ['https://example.com/#a', false],
      ['https://example.com/a\\b', false],
      ['ftp://example.com/', false],
      ['/complete', false],
      [`https://example.com/${'x'.repeat(2_048)}`, false],
    ];
    for (const [callbackUrl, isValid] of urls) {
      const request = { providers: ['gas'], callbackUrl };
      expect([callbackUrl, errorsIn(schema, request) === undefined]).toEqual([callbackUrl, isValid]);
      expect([callbackUrl, webhook.safeParse(request).success]).toEqual([callbackUrl, isValid]);
    }
  });

  test('names the providers of its deployment when served, and is still valid', async () => {
    const account = {
      type: 'string',
      pattern: '^[0-9]{8}$',
      writeOnly: true,
      default: '48151623',
      as: 'acct',
    } as const;
    const year = { type: 'integer', minimum: 2000 } as const;
    const served = withProviders(
      committed,
      aCatalogue(
        {
          id: 'water',
          parameters: {
            type: 'object',
            required: ['account'],
            properties: { account: { ...account, examples: ['12345678'] }, year },
          },
        },
        'fibre',
        { id: 'tax', title: 'Tax', parameters: { type: 'object', properties: { year } } },
        'fuel',
      ),
    );
    expect(await new Validator().validate(structuredClone(served))).toEqual({ valid: true });
    const content = served.paths['/webhook']?.post?.requestBody?.content['application/json'];
    expect(content?.example).toBeUndefined();
    const examples = content?.examples ?? {};
    expect(examples.several?.value).toEqual({
      providers: ['fibre', 'tax'],
      callbackUrl: 'https://example.com/complete',
    });
    expect(Object.keys(examples)).toEqual(['several', 'water', 'fibre', 'tax', 'fuel']);
    const errorsIn = validatorOf(served);
    const accepts = (...providers: unknown[]) =>
      errorsIn(schemas(served).JobRequest ?? {}, { providers, callbackUrl: 'https://example.com/' }) === undefined;
    expect(accepts('fibre', { id: 'tax', parameters: { year: 2026 } }, { id: 'fuel', parameters: {} })).toBe(true);
    expect(accepts({ id: 'water', parameters: { account: '12345678', year: 2000 } })).toBe(true);
    const unknownProviders = ['gas', { id: 'gas' }, 7, {}];
    const missingParameters = ['water', { id: 'water' }];
    const wrongParameters = [
      { id: 'water', parameters: { account: 'x' } },
      { id: 'tax', parameters: { year: '2026' } },
      { id: 'fuel', parameters: { year: 2026 } },
    ];
    for (const provider of [...unknownProviders, ...missingParameters, ...wrongParameters])
      expect([provider, accepts(provider)]).toEqual([provider, false]);
    // The provider's own parameter name, and the default of a write-only parameter.
    for (const hidden of ['acct', '48151623']) expect(JSON.stringify(served).includes(hidden)).toBe(false);
    expect(committed).toEqual(JSON.parse(readFileSync('docs/openapi/service.json', 'utf8')));
  });
});

test('the page loads only its own script, and escapes its title', () => {
  const page = createPage('<script>"x" & y</script>', renderer.name);
  expect(page).toContain('&lt;script&gt;&quot;x&quot; &amp; y&lt;/script&gt;');
  expect([...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url]) => url)).toEqual([
    'data:,',
    `docs/${renderer.name}`,
    'openapi.json',
  ]);
  const [, script = ''] = /<script type="module">([\s\S]*?)<\/script>/.exec(page) ?? [];
  expect(PAGE_POLICY).toContain(`script-src 'self' 'sha256-${createHash('sha256').update(script).digest('base64')}';`);
});

test('the name of the renderer contains its checksum', () => {
  const script = gunzipSync(Buffer.from(renderer.gzip, 'base64'));
  expect(script.length).toBe(renderer.bytes);
  expect(renderer.name).toContain(createHash('sha256').update(script).digest('base64url').slice(0, 16));
  // A response of Lambda is limited to 6 MB.
  expect(script.length).toBeLessThan(1_000_000);
});

test('code samples are the files that tests run', () => {
  const { post } = (serviceApi.webhooks?.callback ?? {}) as unknown as {
    post: { 'x-codeSamples': { source: string }[] };
  };
  const files = readdirSync('docs/snippets').filter((name) => name.startsWith('verify.'));
  expect(post['x-codeSamples'].map(({ source }) => source).sort()).toEqual(
    files.map((name) => readFileSync(`docs/snippets/${name}`, 'utf8')).sort(),
  );
});

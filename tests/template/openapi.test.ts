import { readFileSync } from 'node:fs';
import { ROUTES } from '@boomerang/core/http/routes.ts';
import { describe, expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { type OpenApiDocument, renderDocs } from '../../functions/api-docs/render-docs.ts';
import { providersApi } from '../../tools/openapi/providers-api.ts';
import { serviceApi } from '../../tools/openapi/service-api.ts';

const documents = { service: serviceApi, providers: providersApi };

describe.each(['service', 'providers'] as const)('the document of the %s API', (api) => {
  const committed = JSON.parse(readFileSync(`docs/openapi/${api}.json`, 'utf8')) as OpenApiDocument;

  test('is what the schemas say (npm run openapi)', () => {
    expect(committed).toEqual(JSON.parse(JSON.stringify(documents[api])));
  });

  test('is OpenAPI 3.1', async () => {
    expect(await new Validator().validate(structuredClone(committed))).toEqual({ valid: true });
  });

  test('has every route, and no other', () => {
    const routes = Object.entries(committed.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes.sort()).toEqual([...ROUTES[api]].sort());
  });

  test('makes a page that is whole in itself, with every route', () => {
    const page = renderDocs(committed);
    expect(page).not.toMatch(/<script|<link|<img|src=|@import|url\(/);
    for (const route of ROUTES[api]) expect(page).toContain(`<code>${route}</code></a>`);
    const anchors = new Set([...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]));
    for (const [, anchor] of page.matchAll(/href="#([^"]+)"/g)) expect(anchors).toContain(anchor);
  });
});

test('a page escapes whatever its document says, and ends where a schema is within itself', () => {
  const evil = '<script>"x" & \'y\'</script>';
  const page = renderDocs({
    info: { title: evil, version: evil, description: evil },
    paths: {
      [`/${evil}`]: {
        get: {
          summary: evil,
          description: evil,
          parameters: [{ name: evil, in: 'query', description: evil, schema: { type: evil, default: evil } }],
          responses: {
            200: { description: evil, content: { [evil]: { schema: { $ref: '#/components/schemas/Tree' } } } },
          },
        },
      },
    },
    components: { schemas: { Tree: { properties: { [evil]: { $ref: '#/components/schemas/Tree' } } } } },
  });
  expect(page).not.toContain('<script');
  expect(page).toContain('&lt;script&gt;');
});

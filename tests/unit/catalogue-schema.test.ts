import { readdirSync, readFileSync } from 'node:fs';
import { catalogueSchema, parseCatalogue, parseDeployedCatalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { catalogueDocument } from '../../tools/openapi/catalogue-schema.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const PLACEHOLDERS = { PROVIDERS_API_URL: 'https://mock.example' };
const read = (file: string): string => readFileSync(file, 'utf8');
const committed = JSON.parse(read('docs/catalogue.schema.json'));
const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
(addFormats as unknown as (instance: Ajv2020) => void)(ajv);
const isValid = ajv.compile(committed);

const files = [
  'layers/provider-catalogue/providers.json',
  ...readdirSync('docs/examples').map((name) => `docs/examples/${name}`),
];

/** The JSON blocks of docs/providers.md, which are catalogues or single providers, as catalogues. */
const blocks = [...read('docs/providers.md').matchAll(/```json\n(.*?)\n```/gs)].map(([, text = '']): string => {
  const value = JSON.parse(text) as Record<string, Json>;
  return JSON.stringify('providers' in value ? value : { providers: [value] });
});

describe('the JSON Schema of the catalogue', () => {
  test('is up to date with the zod schema (npm run openapi)', () => {
    expect(committed).toEqual(JSON.parse(JSON.stringify(catalogueDocument)));
  });

  test.each(files)('accepts %s, as the zod schema does', (file) => {
    const text = read(file);
    expect([isValid(JSON.parse(text)), isValid.errors]).toEqual([true, null]);
    const { $schema } = JSON.parse(text) as { $schema: string };
    expect(new URL($schema, new URL(file, 'file:///')).pathname).toBe('/docs/catalogue.schema.json');
    const catalogue = parseCatalogue(text, PLACEHOLDERS);
    expect([...parseDeployedCatalogue(text, PLACEHOLDERS)]).toEqual([...catalogue]);
  });

  test('accepts every example in the documentation, as the zod schema does', () => {
    expect(blocks.length).toBeGreaterThan(12);
    for (const block of blocks) {
      expect([block, isValid(JSON.parse(block))]).toEqual([block, true]);
      expect(() => parseCatalogue(block, PLACEHOLDERS)).not.toThrow();
    }
  });

  test('has an example for each field', () => {
    const page = read('docs/providers.md');
    const names = new Set<string>();
    JSON.stringify(committed, (key, value) => {
      if (key === 'properties') for (const name of Object.keys(value)) names.add(name);
      return value;
    });
    // A JSON Schema keyword, below the field named `properties`.
    names.delete('propertyNames');
    expect([...names].filter((name) => !new RegExp(`["\`{]${name.replace('$', '\\$')}["\`},]`).test(page))).toEqual([]);
  });

  const provider = { id: 'p', url: 'https://h.example' };
  test.each<[Json]>([
    [{ ...provider, id: 'P' }],
    [{ ...provider, id: 7 }],
    [{ id: 'p' }],
    [{ url: 'https://h.example' }],
    [{ ...provider, colour: 'blue' }],
    [{ ...provider, method: 'PUT' }],
    [{ ...provider, timeoutMs: 15_001 }],
    [{ ...provider, timeoutMs: '10' }],
    [{ ...provider, headers: { 'a b': 'x' } }],
    [{ ...provider, headers: { a: 1 } }],
    [{ ...provider, auth: { kind: 'jwt', secret: 's' } }],
    [{ ...provider, auth: { header: 'a' } }],
    [{ ...provider, auth: { kind: 'basic', header: 'a', username: 'u', secret: 's' } }],
    [{ ...provider, auth: { kind: 'oauth2', tokenUrl: 'https://h', clientId: '', secret: 's' } }],
    [{ ...provider, pagination: { kind: 'cursor', cursorAt: 'next', parameter: 'c' } }],
    [{ ...provider, pagination: { kind: 'link', maxPages: 51 } }],
    [{ ...provider, pagination: { kind: 'link', parameter: 'x' } }],
    [{ ...provider, polling: {} }],
    [{ ...provider, polling: { statusUrl: 'here' } }],
    [{ ...provider, polling: { statusUrl: { template: 'https://h/{id}' } } }],
    [{ ...provider, responses: { 600: 'data' } }],
    [{ ...provider, responses: { 404: 'nothing' } }],
    [{ ...provider, bodyErrors: [{ at: '/e', means: 'data' }] }],
    [{ ...provider, rateLimitReset: { header: 'x', unit: 'minutes' } }],
    [{ ...provider, dataAt: 'data' }],
    [{ ...provider, parameters: { type: 'object', properties: { a: { type: 'object' } } } }],
    [{ ...provider, parameters: { type: 'object', properties: { '1a': { type: 'string' } } } }],
    [{ ...provider, parameters: { type: 'object', properties: { a: { type: 'string', format: 'phone' } } } }],
    [{ ...provider, parameters: { type: 'object', properties: { a: { type: 'string', items: {} } } } }],
    [{ ...provider, parameters: { type: 'object', properties: {}, additionalProperties: true } }],
  ])('rejects %j', (wrong) => {
    expect(isValid({ providers: [wrong] })).toBe(false);
    expect(() => parseCatalogue(JSON.stringify({ providers: [wrong] }), {})).toThrow();
  });

  test.each<[Json]>([[null], [[]], [{}], [{ providers: [] }], [{ providers: [provider], more: 1 }]])(
    'rejects %j as a catalogue',
    (wrong) => {
      expect(isValid(wrong)).toBe(false);
    },
  );

  test('agrees with our validation on randomly changed catalogues', () => {
    const valid = [...files.map(read), ...blocks].map((text) => JSON.parse(text) as Json);
    const leaf = fc.constantFrom<Json>(
      ...[
        null,
        true,
        0,
        -1,
        1.5,
        51,
        1e9,
        '',
        'x',
        'A b',
        '/a~2',
        '/a',
        'https://h',
        'link',
        'cursor',
        'string',
        'date',
      ],
      ...[[], {}, ['x'], { x: 1 }, { kind: 'link' }, { type: 'string' }, { at: '/a' }],
    );
    const change = fc.record({
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      kind: fc.constantFrom('replace', 'delete', 'add', 'rename'),
      value: leaf,
      key: fc.constantFrom('kind', 'secret', 'x', 'A b', 'at', 'template', 'maxPages', 'default', '404', '4xx', 'host'),
    });
    let refusals = 0;
    fc.assert(
      fc.property(fc.constantFrom(...valid), fc.array(change, { minLength: 1, maxLength: 2 }), (catalogue, changes) => {
        const changed = changes.reduce(applyChange, structuredClone(catalogue));
        const issues = catalogueSchema.safeParse(changed).error?.issues ?? [];
        const codes = issues.map((issue) => issue.code);
        // JSON Schema cannot express which header names belong to the HTTP client, or what is a valid URL.
        const isInexpressible = (issue: (typeof issues)[number]): boolean =>
          (issue.code === 'invalid_key' && issue.issues.every(({ code }) => code === 'custom')) ||
          issue.code === 'custom' ||
          (issue.code === 'invalid_format' && issue.format === 'url');
        const isExpectedValid = issues.every(isInexpressible);
        if (!isExpectedValid) refusals += 1;
        const text = JSON.stringify(changed);
        expect([text, codes, isValid(changed)]).toEqual([text, codes, isExpectedValid]);
      }),
      { numRuns: 2000 },
    );
    expect(refusals).toBeGreaterThan(200);
  });
});

type Change = { at: number; kind: string; value: Json; key: string };

/** Changes one node of a document, chosen by a number from 0 to 1. */
const applyChange = (document: Json, { at, kind, value: shared, key }: Change): Json => {
  // Two changes may share a value, which would become circular when inserted into itself.
  const value = structuredClone(shared);
  const places: [Json[] | { [key: string]: Json }, string][] = [];
  const visit = (node: Json): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [name, child] of Object.entries(node)) {
      places.push([node, name]);
      visit(child);
    }
  };
  visit(document);
  const place = places[Math.floor(at * places.length)];
  if (!place) return document;
  const [parent, name] = place as [{ [key: string]: Json }, string];
  if (kind === 'replace') parent[name] = value;
  else if (Array.isArray(parent)) parent.push(value);
  else if (kind === 'add') parent[key] = value;
  else {
    const old = parent[name] as Json;
    delete parent[name];
    if (kind === 'rename') parent[key] = old;
  }
  return document;
};

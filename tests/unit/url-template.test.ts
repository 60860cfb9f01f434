import type { ParametersSchema } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import {
  expandTemplate,
  expandUrl,
  pathVariablesOf,
  queryNamesOf,
  templateFaults,
  UnsafeExpansion,
  variablesOf,
} from '@boomerang/core/domain/catalogue/url-template.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseTemplate as compile } from 'url-template';

const declared: ParametersSchema = {
  type: 'object',
  required: ['account'],
  properties: {
    account: { type: 'string' },
    size: { type: 'integer', default: 100 },
    from: { type: 'string' },
    until: { type: 'string', as: 'filter[until]' },
    constructor: { type: 'string' } as const,
  },
};
const expand = (url: string, values: Record<string, string | number | boolean>) =>
  expandUrl({ url, parameters: declared }, values);

describe('a URL template', () => {
  test.each([
    'https://api.example',
    'https://api.example/bills',
    'http://127.0.0.1:3001/providers/gas?kind=all',
    'https://user:p%40ss@api.example/bills',
    'https://[::1]:8443/{account}',
    'https://user:pass@api.example/{account}',
    'HTTPS://API.example/{account}',
    'https://api.example{?from}',
    'https://api.example/accounts/{account}/bills{?from,until}',
    'https://api.example/accounts/{account}.json',
    'https://api.example/{account}/{size}-{account}',
    'https://api.example/bills?kind=all{&from,until}',
    'https://api.example/bills?{&from}',
    'https://api.example/bills?account={account}&kind=all',
    'https://api.example/bills?account={account}{&from}&kind=all',
    'https://api.example/bills?range={account}..{size}',
    'https://api.example/bills{?from}{&until}',
    'https://api.example/a/../b',
    'https://api.example/old#fragment',
    'https://api.example/100%',
  ])('may be %s', (url) => {
    expect(templateFaults(url, declared)).toEqual([]);
  });

  test.each([
    ['https://{account}.example/', /user info, host or port/],
    ['https://api.example{account}', /user info, host or port/],
    ['https://api.example:{size}/', /user info, host or port/],
    ['https://{account}@api.example/', /user info, host or port/],
    ['https://user:{account}@api.example/', /user info, host or port/],
    ['https://{account}/', /user info, host or port/],
    ['https:///{account}/', /user info, host or port/],
    ['{account}://api.example/', /literal origin/],
    ['{account}', /literal origin/],
    ['https:{account}', /absolute URL/],
    ['{?from}', /literal origin/],
    ['/accounts/{account}', /absolute URL/],
    ['ftp://api.example/{account}', /absolute URL/],
    ['file:///etc/passwd', /absolute URL/],
    ['https://api.example:99999/{account}', /absolute URL/],
    ['https://[::1/{account}', /absolute URL/],
    ['x', /absolute URL/],
    ['', /absolute URL/],
    ['https://api.example/{+account}', /Must have \{name\}.*\{\+account\}/],
    ['https://api.example/{#account}', /\{#account\}/],
    ['https://api.example{/account}', /\{\/account\}/],
    ['https://api.example/x{.account}', /\{\.account\}/],
    ['https://api.example/x{;account}', /\{;account\}/],
    ['https://api.example/{account:3}', /\{account:3\}/],
    ['https://api.example/{account*}', /\{account\*\}/],
    ['https://api.example/{?from*}', /\{\?from\*\}/],
    ['https://api.example/{account,size}', /\{account,size\}/],
    ['https://api.example/{}', /\{\}/],
    ['https://api.example/{?}', /\{\?\}/],
    ['https://api.example/{?from,}', /\{\?from,\}/],
    ['https://api.example/{?from, until}', /\{\?from, until\}/],
    ['https://api.example/{ account }', /\{ account \}/],
    ['https://api.example/{1st}', /\{1st\}/],
    ['https://api.example/{account', /"}" for each "{"/],
    ['https://api.example/account}', /"}" for each "{"/],
    ['https://api.example/{{account}}', /"}" for each "{"/],
    ['https://api.example/{account}#top', /fragment/],
    ['https://api.example/#{account}', /fragment/],
    ['https://api.example{?from}#top', /nothing but|fragment/],
    ['https://api.example/?a=1{?from}', /one "\?"/],
    ['https://api.example/{?from}{?until}', /one "\?"/],
    ['https://api.example/{&from}', /"\?" before/],
    ['https://api.example/{?from}/bills', /nothing but \{&…\} after/],
    ['https://api.example/{?from}&a=1', /nothing but \{&…\} after/],
    ['https://api.example/{?from}{account}', /in the path or in a value/],
    ['https://api.example/?{account}', /in the path or in a value/],
    ['https://api.example/?{account}=1', /in the path or in a value/],
    ['https://api.example/?a=1&{account}', /in the path or in a value/],
    ['https://api.example/?a=1{&from}{account}', /in the path or in a value/],
    ['https://api.example/?a=1{&from}b=1', /"&" after/],
    ['https://api.example/../{account}', /segments/],
    ['https://api.example/{account}/%2E%2e/x', /segments/],
    ['https://api.example/{account}/./x', /segments/],
    ['https://api.example\\{account}', /backslashes/],
    ['https://api.example/ {account}', /blanks/],
    ['https://api.exa\tmple/{account}', /blanks/],
    ['https://api.example/%{account}', /hexadecimal/],
    ['https://api.example/%2{account}', /hexadecimal/],
    ['https://api.example/?a=%{account}', /hexadecimal/],
    ['https://api.example/100%/{account}', /hexadecimal/],
    ['https://api.example/{unknown}', /declare \{unknown\}/],
    ['https://api.example/{?toString}', /declare \{toString\}/],
    ['https://api.example/{from}', /\{from\}.*required or has a default/],
    ['https://api.example/?from={from}', /\{from\}.*required or has a default/],
    ['https://api.example/?from=1{&from}', /"from" once/],
    ['https://api.example/{?from,from}', /"from" once/],
    ['https://api.example/?filter%5Buntil%5D=1{&until}', /"filter\[until\]" once/],
  ])('may not be %s', (url, message) => {
    expect(templateFaults(url, declared).join('; ')).toMatch(message);
  });

  test('may have no variable if no parameters are declared', () => {
    expect(templateFaults('https://api.example/{account}', undefined)).toEqual([
      'Must declare {account} in parameters',
    ]);
  });

  test('has variables in its path and query, and names in its query', () => {
    const url = 'https://api.example/{account}/{size}?a=1&b={account}{&from,until}';
    expect([...variablesOf(url)]).toEqual(['account', 'size', 'from', 'until']);
    expect([...pathVariablesOf(url)]).toEqual(['account', 'size']);
    expect(queryNamesOf(url, declared)).toEqual(['a', 'b', 'from', 'filter[until]']);
    expect([...pathVariablesOf('https://api.example{?from}')]).toEqual([]);
    expect(queryNamesOf('https://api.example/x', undefined)).toEqual([]);
  });
});

describe('expanding a URL template', () => {
  test.each<[string, Record<string, string | number | boolean>, string]>([
    ['https://h/{account}', { account: 'a b' }, 'https://h/a%20b'],
    [
      'https://h/{account}',
      { account: "é!'()*;=&?#+@:~-_." },
      'https://h/%C3%A9%21%27%28%29%2A%3B%3D%26%3F%23%2B%40%3A~-_.',
    ],
    ['https://h/x{?from,until}', { from: '1&until=2', until: '' }, 'https://h/x?from=1%26until%3D2&filter%5Buntil%5D='],
    ['https://h/x{?from,until}', { until: '3' }, 'https://h/x?filter%5Buntil%5D=3'],
    ['https://h/x{?from,until}', {}, 'https://h/x'],
    ['https://h/x{?from}{&until}', { until: '3' }, 'https://h/x?filter%5Buntil%5D=3'],
    ['https://h/x?a=1{&from,size}&z=2', { size: 5, from: '/' }, 'https://h/x?a=1&from=%2F&size=5&z=2'],
    ['https://h/x?a={account}', { account: '&b=1' }, 'https://h/x?a=%26b%3D1'],
    ['https://h/x{?constructor}', {}, 'https://h/x'],
    ['https://h/x{?from}', { from: false }, 'https://h/x?from=false'],
    ["https://h/it's/|/%7B/{account}?q='{&from}", { account: 'x', from: 'y' }, "https://h/it's/|/%7B/x?q='&from=y"],
    ['https://h/a/../b#top', {}, 'https://h/a/../b#top'],
  ])('%s with %j becomes %s', (url, values, expanded) => {
    expect(expand(url, values)).toBe(expanded);
  });

  test.each(['', '.', '..', 'a/b', 'a\\b', '%2e%2e', 'a%', 'a\nb', 'a\u007F', 'a\u0085', '\uD800'])(
    'rejects %j in the path, without quoting it',
    (account) => {
      expect(() => expand('https://h/{account}/x', { account })).toThrow(UnsafeExpansion);
      try {
        expand('https://h/{account}/x', { account });
      } catch (error) {
        if (account.length > 2) expect((error as Error).message).not.toContain(account);
      }
    },
  );

  test('rejects a path variable without a value, and query text that is not Unicode', () => {
    expect(() => expand('https://h/{account}', {})).toThrow(UnsafeExpansion);
    expect(() => expand('https://h/{?from}', { from: 'a\uDC00' })).toThrow(UnsafeExpansion);
  });

  test('rejects an invalid template', () => {
    expect(() => expand('https://h/{+account}', { account: 'x' })).toThrow(UnsafeExpansion);
    expect(() => expand('https://{account}.example/', { account: 'evil' })).toThrow(UnsafeExpansion);
    expect(() => expand('https://h:{size}/', { size: 8080 })).toThrow(UnsafeExpansion);
  });

  test('rejects a dot segment of literal text and a value together', () => {
    const provider = { url: 'https://h/a/{account}{size}', parameters: declared };
    expect(expandUrl(provider, { account: 'x', size: 1 })).toBe('https://h/a/x1');
    expect(() => expandTemplate('https://h/a/b/.{account}', declared, { account: '.' })).toThrow(UnsafeExpansion);
  });
});

describe('a random template with random values', () => {
  const schema = {
    type: 'object',
    required: ['a', 'b'],
    properties: {
      a: { type: 'string' },
      b: { type: 'string' },
      c: { type: 'string' },
      d: { type: 'string', as: 'page[d]' },
    },
  } as ParametersSchema;

  /** A template as a tree, from which its text and the request that a server should receive are derived independently. */
  type Part = { text: string } | { variable: 'a' | 'b' };
  type Template = {
    origin: string;
    path: Part[][];
    pairs: [string, Part[]][];
    optional: ('c' | 'd')[];
    isSplit: boolean;
  };
  type Values = Record<string, string | number | boolean>;

  const text = fc
    .string({
      unit: fc.constantFrom('v', '1', '.', '-', '~', ';', ':', '@', '%41', '%2e', '%c3%a9', 'é', "'", '$', '!'),
    })
    .map((string) => ({ text: string }));
  const parts = fc.array(fc.oneof(text, fc.constantFrom({ variable: 'a' } as const, { variable: 'b' } as const)), {
    minLength: 1,
    maxLength: 3,
  });
  const anyTemplate: fc.Arbitrary<Template> = fc.record({
    origin: fc.constantFrom('https://api.example', 'http://user:pa%20ss@127.0.0.1:8080', 'https://[::1]'),
    path: fc.array(parts, { maxLength: 4 }),
    pairs: fc.array(fc.tuple(fc.constantFrom('k', 'l%5B%5D', 'é'), parts), { maxLength: 3 }),
    optional: fc.subarray(['c', 'd']),
    isSplit: fc.boolean(),
  });
  const write = ({ origin, path, pairs, optional, isSplit }: Template): string => {
    const textOf = (items: Part[]) => items.map((part) => ('text' in part ? part.text : `{${part.variable}}`)).join('');
    const query = pairs.map(([name, items]) => `${name}=${textOf(items)}`).join('&');
    const operator = query === '' ? '?' : '&';
    const splitVariables = isSplit
      ? optional.map((name, index) => `{${index === 0 ? operator : '&'}${name}}`).join('')
      : '';
    const joinedVariables = optional.length > 0 && !isSplit ? `{${operator}${optional.join(',')}}` : '';
    return `${origin}${path.map((items) => `/${textOf(items)}`).join('')}${query && '?'}${query}${splitVariables}${joinedVariables}`;
  };
  /** The decoded text that a server should receive for some parts. */
  const decodedTextOf = (items: Part[], values: Values): string =>
    items.map((part) => ('text' in part ? decodeURIComponent(part.text) : String(values[part.variable]))).join('');

  const anyValue = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.string({ unit: fc.constantFrom(...'./\\%2ef?#&=@:+ \t\n{}'), maxLength: 8 }),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
  );
  const anyValues: fc.Arbitrary<Values> = fc.record(
    { a: anyValue, b: anyValue, c: anyValue, d: anyValue },
    { requiredKeys: ['a', 'b'] },
  );
  const isRefused = ({ path, pairs, optional }: Template, values: Values): boolean => {
    const occurs = (name: string, items: Part[][]) =>
      items.flat().some((part) => 'variable' in part && part.variable === name);
    return Object.entries(values).some(([name, value]) => {
      const string = String(value);
      if (occurs(name, path) && (/^\.{0,2}$|[/\\%]/.test(string) || /\p{Cc}/u.test(string))) return true;
      const isUsed =
        occurs(name, [...path, ...pairs.map(([, items]) => items)]) || optional.some((variable) => variable === name);
      return isUsed && !string.isWellFormed();
    });
  };

  test('keeps its origin, path and query names, and has each value once decoded', () => {
    let expansions = 0;
    fc.assert(
      fc.property(anyTemplate, anyValues, (template, values) => {
        const url = write(template);
        fc.pre(url.includes('{') && templateFaults(url, schema).length === 0);
        if (isRefused(template, values)) {
          expect(() => expandTemplate(url, schema, values)).toThrow(UnsafeExpansion);
          return;
        }
        expansions += 1;
        const expanded = new URL(expandTemplate(url, schema, values));
        const origin = new URL(template.origin);
        expect([expanded.origin, expanded.username, expanded.password, expanded.hash]).toEqual([
          origin.origin,
          origin.username,
          origin.password,
          '',
        ]);
        const path = template.path.length === 0 ? [''] : template.path.map((items) => decodedTextOf(items, values));
        expect(expanded.pathname.split('/').slice(1).map(decodeURIComponent)).toEqual(path);
        expect([...expanded.searchParams]).toEqual([
          ...template.pairs.map(([name, items]) => [decodeURIComponent(name), decodedTextOf(items, values)]),
          ...template.optional
            .filter((name) => values[name] !== undefined)
            .map((name) => [name === 'd' ? 'page[d]' : name, String(values[name])]),
        ]);
        // Without split query variables and renamed parameters, we follow RFC 6570, as the url-template library does.
        if (template.isSplit || template.optional.includes('d')) return;
        expect(expanded.href).toBe(new URL(compile(url).expand(values)).href);
      }),
      { numRuns: 3000 },
    );
    expect(expansions).toBeGreaterThan(300);
  });
});

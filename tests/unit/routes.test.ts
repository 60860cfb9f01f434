import { allowedMethods, compareSpecificity, ROUTES } from '@boomerang/core/http/routes.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

describe('the methods of a path', () => {
  test.each<[api: 'service' | 'providers', path: string, methods: string[]]>([
    ['service', '/webhook', ['POST']],
    ['service', '/jobs', ['GET']],
    ['service', '/jobs/1', ['GET', 'DELETE']],
    ['service', '/jobs/', []],
    ['service', '/providers', []],
    ['providers', '/providers', ['GET']],
    ['providers', '/providers/gas', ['GET']],
    ['providers', '/providers/gas/accounts/1/bills', ['GET']],
    ['providers', '/providers/gas/accounts//bills', []],
    ['providers', '/providers/gas/accounts', []],
    ['providers', '/providers/reports/1', ['GET']],
    // GET /providers/{providerId} matches these, too.
    ['providers', '/providers/token', ['POST']],
    ['providers', '/providers/reports', ['POST']],
  ])('of the %s API, %s, are %j', (api, path, methods) => {
    expect(allowedMethods(api, path).sort()).toEqual(methods.sort());
  });

  test('include those of every route', () => {
    for (const api of ['service', 'providers'] as const) {
      for (const route of ROUTES[api]) {
        const [method = '', path = ''] = route.split(' ');
        expect([route, allowedMethods(api, path)]).toEqual([route, expect.arrayContaining([method])]);
      }
    }
  });
});

describe('patterns that match the same path', () => {
  const segment = fc.constantFrom('a', '{x}');
  const patterns = fc
    .integer({ min: 1, max: 5 })
    .chain((length) =>
      fc.tuple(...Array.from({ length: 2 }, () => fc.array(segment, { minLength: length, maxLength: length }))),
    );

  test('are ordered by their first difference: a literal before a variable', () => {
    fc.assert(
      fc.property(patterns, ([a = [], b = []]) => {
        const first = a.findIndex((part, index) => part !== b[index]);
        const expected = first < 0 ? 0 : a[first] === 'a' ? -1 : 1;
        expect(Math.sign(compareSpecificity(`/${a.join('/')}`, `/${b.join('/')}`))).toBe(expected);
      }),
    );
  });
});

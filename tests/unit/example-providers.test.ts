import { exampleProvider, exampleProviders } from '@boomerang/core/domain/catalogue/example-providers.ts';
import { parameterFaults } from '@boomerang/core/domain/catalogue/parameters.ts';
import { PARAMETER_FORMATS, type ParametersSchema } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';

type Property = ParametersSchema['properties'][string];

/** An offer, with the parameter `p` if `property` describes it. */
const anOffer = (id: string, property?: Property, required: string[] = ['p']) => ({
  id,
  url: 'https://h/x{?p}',
  ...(property && { parameters: { type: 'object' as const, required, properties: { p: property } } }),
});

test('an example job names at most two providers, which need no parameters', () => {
  const optional = anOffer('b', { type: 'string' }, []);
  expect(exampleProviders([anOffer('a', { type: 'string' }), optional, anOffer('c'), anOffer('d')])).toEqual([
    'b',
    'c',
  ]);
  expect(exampleProviders([])).toEqual([]);
});

test('if all providers need parameters, an example job names the first one, with its required parameters', () => {
  const providers = [anOffer('a', { type: 'string', examples: ['x', 'y'] }), anOffer('b', { type: 'boolean' })];
  expect(exampleProviders(providers)).toEqual([{ id: 'a', parameters: { p: 'x' } }]);
});

test.each<[Property, string | number | boolean]>([
  [{ type: 'string', examples: ['x'], default: 'y' }, 'x'],
  [{ type: 'string', enum: ['v', 'w'] }, 'v'],
  [{ type: 'string', const: 'v' }, 'v'],
  [{ type: 'string', default: 'y' }, 'y'],
  [{ type: 'string', default: 'secret', writeOnly: true }, 'example'],
])('the example value of %j is %j', (property, value) => {
  expect(exampleProvider(anOffer('a', property))).toEqual({ id: 'a', parameters: { p: value } });
});

test('a generated example value is valid, whatever the bounds', () => {
  const length = fc.nat({ max: 30 });
  const number = fc.double({ min: -100, max: 100, noNaN: true });
  const properties = fc.oneof(
    fc
      .tuple(length, length)
      .map(([a, b]) => ({ type: 'string' as const, minLength: Math.min(a, b), maxLength: Math.max(a, b) })),
    fc.constantFrom(...PARAMETER_FORMATS).map((format) => ({ type: 'string' as const, format })),
    fc.constant({ type: 'boolean' as const }),
    fc
      .record({
        minimum: number,
        width: fc.double({ min: 2, max: 50, noNaN: true }),
        keys: fc.subarray(['minimum', 'maximum']),
        isOpen: fc.boolean(),
        type: fc.constantFrom('integer' as const, 'number' as const),
      })
      .map(({ minimum, width, keys, isOpen, type }) => ({
        type,
        ...(keys.includes('minimum') && { [isOpen ? 'exclusiveMinimum' : 'minimum']: minimum }),
        ...(keys.includes('maximum') && { [isOpen ? 'exclusiveMaximum' : 'maximum']: minimum + width }),
      })),
  );
  fc.assert(
    fc.property(properties, (property) => {
      const provider = anOffer('a', property);
      const example = exampleProvider(provider);
      expect(parameterFaults(provider, typeof example === 'object' ? example.parameters : {})).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

import { bodyFaults, bodyVariablesOf, fillBody } from '@boomerang/core/domain/catalogue/body-template.ts';
import {
  maskWriteOnly,
  parameterFaults,
  withDefaults,
  writeOnlyValues,
} from '@boomerang/core/domain/catalogue/parameters.ts';
import type { ParametersSchema } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { isScalar } from '@boomerang/core/domain/catalogue/value-rules.ts';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';

type Property = ParametersSchema['properties'][string];
const schemaOf = (properties: Record<string, Property>, required: string[] = []): ParametersSchema => ({
  type: 'object',
  required,
  properties,
});
const messagesFor = (property: Property, value: unknown, url = 'https://h/x{?p}'): string[] =>
  parameterFaults({ parameters: schemaOf({ p: property }), url }, { p: value }).map(({ message }) => message);

test('scalars are texts, numbers and booleans', () => {
  for (const value of ['', 'a', 0, 1.5, true, false]) expect([value, isScalar(value)]).toEqual([value, true]);
  for (const value of [null, undefined, [], ['a'], {}]) expect([value, isScalar(value)]).toEqual([value, false]);
});

describe('the parameters of a provider', () => {
  const gas = {
    url: 'https://h/{account}/bills{?from,size}',
    parameters: schemaOf(
      {
        account: { type: 'string', pattern: '^[0-9]{8,12}$', writeOnly: true },
        from: { type: 'string', format: 'date' },
        size: { type: 'integer', minimum: 1, maximum: 200, default: 100 },
      },
      ['account'],
    ),
  };

  test('are validated by the schema', () => {
    expect(parameterFaults(gas, { account: '12345678' })).toEqual([]);
    expect(parameterFaults(gas, { account: '12345678', from: '2028-02-29', size: 200 })).toEqual([]);
  });

  test('report all their faults at once, each with its path', () => {
    expect(parameterFaults(gas, JSON.parse('{"size":1.5,"from":"2026-02-30","color":"blue","__proto__":"x"}'))).toEqual(
      [
        { path: ['size'], message: 'Must be an integer' },
        { path: ['from'], message: 'Must be a date, such as 2026-01-31' },
        { path: ['color'], message: 'Not a known parameter' },
        { path: ['__proto__'], message: 'Not a known parameter' },
        { path: ['account'], message: 'Is required' },
      ],
    );
  });

  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf', 'size ', 'SIZE', ''])(
    'reject the unknown name %j',
    (name) => {
      const values = JSON.parse(`{"account":"12345678",${JSON.stringify(name)}:1}`);
      expect(parameterFaults(gas, values)).toEqual([{ path: [name], message: 'Not a known parameter' }]);
      expect(
        parameterFaults({ url: 'https://h', parameters: undefined }, JSON.parse(`{${JSON.stringify(name)}:1}`)),
      ).toEqual([{ path: [name], message: 'Not a known parameter' }]);
    },
  );

  test('may have names that objects inherit', () => {
    const inheritedName = {
      url: 'https://h{?constructor}',
      parameters: schemaOf({ constructor: { type: 'string' } as const }, ['constructor']),
    };
    expect(parameterFaults(inheritedName, {})).toEqual([{ path: ['constructor'], message: 'Is required' }]);
    expect(parameterFaults(inheritedName, { constructor: 'x' })).toEqual([]);
  });

  test('may be empty for a provider without parameters', () => {
    expect(parameterFaults({ url: 'https://h', parameters: undefined }, {})).toEqual([]);
  });

  test.each([[null], [[]], ['x'], [1], [undefined], [true]])('may not be %j', (values) => {
    expect(parameterFaults(gas, values)).toEqual([{ path: [], message: 'Must be an object' }]);
  });

  test.each<[Property, unknown, string[]]>([
    [{ type: 'string' }, 1, ['Must be a string']],
    [{ type: 'string' }, null, ['Must be a string']],
    [{ type: 'string' }, ['x'], ['Must be a string']],
    [{ type: 'string' }, {}, ['Must be a string']],
    [{ type: 'string' }, undefined, ['Must be a string']],
    [{ type: 'string' }, 'a\uD800', ['Must be well-formed Unicode']],
    [{ type: 'integer' }, '1', ['Must be an integer']],
    [{ type: 'integer' }, true, ['Must be an integer']],
    [{ type: 'integer' }, 1.5, ['Must be an integer']],
    [{ type: 'integer' }, 1.0, []],
    [{ type: 'integer' }, 2 ** 53, ['Must be between -9007199254740991 and 9007199254740991']],
    [{ type: 'integer' }, 2 ** 53 - 1, []],
    [{ type: 'integer' }, Number.POSITIVE_INFINITY, ['Must be a finite number']],
    [{ type: 'number' }, JSON.parse('1e999'), ['Must be a finite number']],
    [{ type: 'number' }, Number.NaN, ['Must be a finite number']],
    [
      { type: 'number' },
      JSON.parse('12345678901234567890'),
      ['Must be between -9007199254740991 and 9007199254740991'],
    ],
    [{ type: 'number' }, 1.25, []],
    [{ type: 'number' }, '1', ['Must be a number']],
    [{ type: 'boolean' }, 'true', ['Must be true or false']],
    [{ type: 'boolean' }, 0, ['Must be true or false']],
    [{ type: 'boolean' }, false, []],
    [{ type: 'string', enum: ['a', 'b'] }, 'c', ['Must be one of "a", "b"']],
    [{ type: 'integer', enum: [1, 2] }, 3, ['Must be one of 1, 2']],
    [{ type: 'string', const: 'a' }, 'b', ['Must be "a"']],
    [{ type: 'boolean', const: true }, false, ['Must be true']],
    [{ type: 'string', const: 'a' }, 'a', []],
    [{ type: 'string', pattern: '^[0-9]{8,12}$' }, '1234567\n8', ['Must match the pattern ^[0-9]{8,12}$']],
    [{ type: 'string', pattern: '^\\p{L}+$' }, 'é', []],
    [{ type: 'string', minLength: 1 }, '', ['Must have at least 1 character']],
    [{ type: 'string', maxLength: 12 }, '1'.repeat(13), ['Must have at most 12 characters']],
    // Code points, not UTF-16 units.
    [{ type: 'string', maxLength: 1 }, '😀', []],
    [{ type: 'integer', minimum: 1 }, 0, ['Must be at least 1']],
    [{ type: 'integer', minimum: 1 }, 1, []],
    [{ type: 'integer', maximum: 1 }, 2, ['Must be at most 1']],
    [{ type: 'number', exclusiveMinimum: 0 }, 0, ['Must be greater than 0']],
    [{ type: 'number', exclusiveMaximum: 1 }, 1, ['Must be less than 1']],
    [{ type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 }, 0.5, []],
    // Keywords of another type are ignored.
    [{ type: 'string', minimum: 5, multipleOf: 5 }, '3', []],
    [{ type: 'number', multipleOf: 0.01 }, 0.005, ['Must be a multiple of 0.01']],
    [{ type: 'number', multipleOf: 0.01 }, 19.99, []],
    [{ type: 'number', multipleOf: 0.5 }, 1.5, []],
    [
      { type: 'string', minLength: 3, pattern: '^a' },
      'b',
      ['Must have at least 3 characters', 'Must match the pattern ^a'],
    ],
  ])('with the schema %j and the value %j have the faults %j', (property, value, messages) => {
    expect(messagesFor(property, value)).toEqual(messages);
  });

  test('have at most twenty allowed values in a message', () => {
    const values = Array.from({ length: 25 }, (_, index) => index);
    expect(messagesFor({ type: 'integer', enum: values }, 99)[0]).toMatch(/18, 19 and 5 more$/);
  });

  test.each(['', '.', '..', 'a/b', '/', 'a\\b', '%2F', '100%', 'a\tb', 'a\u0000', '\u007F', '\u009F'])(
    'in the path reject the value %j',
    (value) => {
      expect(messagesFor({ type: 'string' }, value, 'https://h/x/{p}')).toHaveLength(1);
      expect(messagesFor({ type: 'string' }, value, 'https://h/x{?p}')).toEqual([]);
    },
  );

  test.each(['a', '...', '.a', 'a b', 'ä', '?', '#', ';', '@', ':', '~'])(
    'in the path accept the value %j',
    (value) => {
      expect(messagesFor({ type: 'string' }, value, 'https://h/x/{p}')).toEqual([]);
    },
  );

  const formats = [
    [
      'date',
      ['2026-01-31', '2028-02-29'],
      [
        '2026-02-30',
        '2026-02-29',
        '2026-1-1',
        '2026-13-01',
        '2026-00-01',
        '20260101',
        ' 2026-01-01',
        '2026-01-01\n',
        '٢٠٢٦-٠١-٠١',
      ],
    ],
    [
      'time',
      ['23:59:59Z', '12:00:00.5+01:00', '23:59:60Z'],
      ['24:00:00Z', '12:00:00', '12:00Z', '12:60:00Z', '12:00:60Z'],
    ],
    [
      'date-time',
      ['2026-01-31T23:59:59Z', '2026-01-31t00:00:00.123+14:00'],
      ['2026-01-31 23:59:59Z', '2026-01-31\n23:59:59Z', '2026-02-30T00:00:00Z', '2026-01-31T23:59:59', '2026-01-31'],
    ],
    ['duration', ['P1D', 'PT1H30M', 'P2W', 'P1Y2M3DT4H5M6S'], ['P', 'PT', '1D', 'P1W2D', 'P1H', 'p1d']],
    [
      'email',
      ['a@example.com', 'a.b+c@example.co.uk'],
      ['a', '@example.com', 'a@', 'a@b@c', '.a@example.com', 'a..b@example.com', 'a b@example.com'],
    ],
    [
      'hostname',
      ['example.com', 'localhost', 'a-b.c1'],
      ['-a.com', 'a-.com', 'a..b', 'a_b', '', 'a'.repeat(64), 'ä.com', 'a.com:80'],
    ],
    [
      'ipv4',
      ['127.0.0.1', '255.255.255.255', '0.0.0.0'],
      ['256.0.0.1', '1.2.3', '01.2.3.4', '1.2.3.4.5', '0x7f.0.0.1', '1.2.3.4/8'],
    ],
    [
      'ipv6',
      ['::1', '2001:db8::1', '::ffff:1.2.3.4'],
      ['::1::', '12345::', 'fe80::1%eth0', '[::1]', '::ffff:1.2.3.256', '1.2.3.4'],
    ],
    [
      'uri',
      ['https://example.com/a?b#c', 'urn:isbn:123', 'mailto:a@b'],
      ['/a', 'example.com', 'https://exa mple.com', 'http://a/%zz', ''],
    ],
    [
      'uuid',
      ['7b9f2c1e-3d4a-4f5b-8c6d-1e2f3a4b5c6d', '7B9F2C1E-3D4A-4F5B-8C6D-1E2F3A4B5C6D'],
      [
        '7b9f2c1e3d4a4f5b8c6d1e2f3a4b5c6d',
        '{7b9f2c1e-3d4a-4f5b-8c6d-1e2f3a4b5c6d}',
        '7b9f2c1e-3d4a-4f5b-8c6d-1e2f3a4b5c6g',
      ],
    ],
  ] as const;
  test.each(formats)('with the format %s are accepted if valid, and rejected otherwise', (format, valid, invalid) => {
    for (const value of valid) expect([value, messagesFor({ type: 'string', format }, value)]).toEqual([value, []]);
    for (const value of invalid) {
      expect([value, messagesFor({ type: 'string', format }, value)]).toEqual([
        value,
        [expect.stringMatching(/^Must be an? /)],
      ]);
    }
  });

  /**
   * Differences from ajv-formats: we reject a space in place of the "T", offsets without a colon (RFC 3339 §5.6), leading zeros and names
   * that end in a dot; we accept mail hosts without a dot, and URIs of a scheme alone.
   */
  const KNOWN_DIFFERENCES: [string, RegExp][] = [
    ['date-time', /\s|[+-]\d\d(?:\d\d)?$/],
    ['time', /[+-]\d\d(?:\d\d)?$/],
    ['ipv4', /(?:^|\.)0\d/],
    ['hostname', /\.$/],
    ['email', /@[^.]*$|\.$/],
    ['uri', /^[\w+.-]*:(?:[?#]|$)/],
  ];

  test('with a format have the same verdict as from ajv-formats', () => {
    const ajv = new Ajv2020();
    (addFormats as unknown as (instance: Ajv2020) => void)(ajv);
    const edit = fc.tuple(
      fc.nat(40),
      fc.constantFrom('', '0', '3', '9', 'a', 'Z', '-', ':', '.', '@', '[', '%', '/', '#', 'é'),
    );
    const sample = fc.constantFrom(
      ...formats.flatMap(([format, valid, invalid]) => [...valid, ...invalid].map((text) => [format, text] as const)),
    );
    fc.assert(
      fc.property(sample, fc.array(edit, { maxLength: 2 }), ([format, text], edits) => {
        const value = edits.reduce((result, [at, piece]) => result.slice(0, at) + piece + result.slice(at + 1), text);
        fc.pre(!KNOWN_DIFFERENCES.some(([name, pattern]) => name === format && pattern.test(value)));
        fc.pre(format !== 'uri' || URL.canParse(value));
        const isValid = ajv.validate({ type: 'string', format }, value);
        expect([format, value, messagesFor({ type: 'string', format }, value).length === 0]).toEqual([
          format,
          value,
          isValid,
        ]);
      }),
      { numRuns: 3000 },
    );
  });

  test('are checked for multipleOf in decimal arithmetic', () => {
    const decimals = fc.tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: 0, max: 4 }));
    fc.assert(
      fc.property(decimals, fc.integer({ min: 1, max: 500 }), ([units, places], step) => {
        const value = Number(`${units}e-${places}`);
        const multipleOf = Number(`${step}e-${places}`);
        const isValid = messagesFor({ type: 'number', multipleOf }, value).length === 0;
        expect([value, multipleOf, isValid]).toEqual([value, multipleOf, units % step === 0]);
      }),
    );
  });

  test('with faults do not have their values in a message', () => {
    const property = fc.constantFrom<Property>(
      { type: 'integer', maximum: 0 },
      { type: 'string', format: 'email', maxLength: 2, pattern: '^x$', enum: ['q'], writeOnly: true },
      { type: 'boolean' },
      { type: 'string', const: 'q' },
    );
    const value = fc.oneof(
      fc.string({ minLength: 6, unit: fc.constantFrom('7', 'Z', '%', '/') }),
      fc.integer({ min: 777_777 }),
      fc.array(fc.constant('ZZZZZZ'), { minLength: 1 }),
    );
    fc.assert(
      fc.property(property, value, fc.constantFrom('https://h/{p}', 'https://h{?p}'), (schema, values, url) => {
        const messages = messagesFor(schema, values, url);
        expect(messages.length).toBeGreaterThan(0);
        expect(messages.join()).not.toContain(String(values));
      }),
    );
  });

  test('have the same verdict as from Ajv', () => {
    const ajv = new Ajv2020({ allErrors: true, strict: false });
    (addFormats as unknown as (instance: Ajv2020) => void)(ajv);
    const number = fc.constantFrom<Property>(
      { type: 'integer', minimum: -2, maximum: 3 },
      { type: 'number', exclusiveMinimum: -1, exclusiveMaximum: 2.5, multipleOf: 0.5 },
      { type: 'integer', enum: [1, 2], default: 1 },
      { type: 'number', const: 0.5 },
    );
    const text = fc.constantFrom<Property>(
      { type: 'string', minLength: 1, maxLength: 3 },
      { type: 'string', pattern: '^[a-c]+$', as: 'other' },
      { type: 'string', enum: ['a', ''], writeOnly: true },
      { type: 'string', format: 'date', title: 'Day' },
      { type: 'boolean', const: true },
    );
    const value = fc.oneof(
      fc.constantFrom('a', 'abc', '', '2026-01-01', '2026-02-30', true, false, 0.5, 1, 2, -1, 1.25),
      fc.string({ maxLength: 4 }),
      fc.integer({ min: -5, max: 5 }),
      fc.double({ min: -3, max: 3, noNaN: true }),
    );
    const name = fc.constantFrom('p', 'q', 'r');
    const anySchema = fc.record({ p: fc.oneof(number, text), q: fc.oneof(number, text) });
    const required = fc.subarray(['p', 'q']);
    fc.assert(
      fc.property(anySchema, required, fc.dictionary(name, value), (properties, names, values) => {
        const parameters = { ...schemaOf(properties, names), additionalProperties: false };
        const isValid = ajv.compile(parameters)(values);
        const provider = { url: 'https://h{?p,q}', parameters: schemaOf(properties, names) };
        expect(parameterFaults(provider, values).length === 0).toBe(isValid);
      }),
      { numRuns: 500 },
    );
  });
});

describe('parameters of a job', () => {
  const provider = {
    parameters: schemaOf({
      account: { type: 'string', writeOnly: true },
      pin: { type: 'integer', writeOnly: true, default: 1234 },
      size: { type: 'integer', default: 100 },
      from: { type: 'string' },
      open: { type: 'boolean', writeOnly: false },
    }),
  };

  test('have defaults for absent values only', () => {
    expect(withDefaults(provider, { account: 'x', size: 5 })).toEqual({ account: 'x', pin: 1234, size: 5 });
    expect(withDefaults({ parameters: undefined }, {})).toEqual({});
  });

  test('are masked if write-only, defaults included', () => {
    const values = { account: 'A-1', from: 'x', open: true };
    expect(writeOnlyValues(provider, values).sort()).toEqual(['1234', 'A-1']);
    expect(maskWriteOnly(provider, values)).toEqual({ account: '***', from: 'x', open: true });
  });

  test('are masked if they are not in the catalogue', () => {
    const values = { account: 'A-1', toString: 'B-2', count: 3 };
    expect(maskWriteOnly(provider, values)).toEqual({ account: '***', toString: '***', count: '***' });
    expect(maskWriteOnly(undefined, values)).toEqual({ account: '***', toString: '***', count: '***' });
    expect(maskWriteOnly({ parameters: undefined }, { a: 1 })).toEqual({ a: '***' });
    expect(writeOnlyValues(undefined, values)).toEqual(['A-1', 'B-2', '3']);
    expect(writeOnlyValues(provider, { size: 1, more: 'C-3' })).toEqual(['1234', 'C-3']);
  });
});

describe('a body', () => {
  const parameters = schemaOf(
    { taxId: { type: 'string' }, years: { type: 'integer' }, full: { type: 'boolean', default: true } },
    ['taxId'],
  );
  const faults = (body: unknown) =>
    bodyFaults({ body: body as never, parameters }).map(({ path, message }) => `${path.join('.')}: ${message}`);

  test('has typed values in place of whole-string placeholders', () => {
    const body = { a: { tax: '{taxId}', years: '{years}' }, b: ['{full}', 1.5, null, 'x'], c: '{}', d: 'é {other}' };
    expect(faults(body)).toEqual([]);
    expect(fillBody(body, { taxId: '"{years}\n', years: 3, full: false })).toBe(
      '{"a":{"tax":"\\"{years}\\n","years":3},"b":[false,1.5,null,"x"],"c":"{}","d":"é {other}"}',
    );
  });

  test('omits the property of a parameter without a value', () => {
    expect(fillBody({ tax: '{taxId}', years: '{years}', nested: { years: '{years}' } }, { taxId: 'x' })).toBe(
      '{"tax":"x","nested":{}}',
    );
  });

  test('may be a single value', () => {
    expect(fillBody('{taxId}', { taxId: 'x' })).toBe('"x"');
    expect(fillBody(null, {})).toBe('null');
    expect(fillBody([], {})).toBe('[]');
  });

  test('ignores inherited property names', () => {
    const inheritedName = schemaOf({ constructor: { type: 'string' } as const });
    expect(bodyFaults({ body: { a: '{constructor}', b: 'x' }, parameters: inheritedName })).toEqual([]);
    expect(fillBody({ a: '{constructor}', b: 'x' }, {})).toBe('{"b":"x"}');
    expect(bodyFaults({ body: { a: '{toString}' }, parameters: inheritedName })).toHaveLength(1);
  });

  test('has variables, each a whole string in braces', () => {
    expect([...bodyVariablesOf({ a: ['{taxId}'], b: { c: '{years}', d: 'x {full}' } })]).toEqual(['taxId', 'years']);
    expect([...bodyVariablesOf(undefined)]).toEqual([]);
  });

  test.each<[unknown, RegExp]>([
    [{ a: '{unknown}' }, /^a: .*declare \{unknown\}/],
    [{ a: ['x', { b: '{toString}' }] }, /^a\.1\.b: .*declare/],
    [{ a: 'id {taxId}' }, /^a: .*the whole string/],
    [{ a: '{taxId}{years}' }, /^a: .*the whole string/],
    [{ a: ' {taxId}' }, /^a: .*the whole string/],
    [{ a: { 'x{taxId}': 1 } }, /^a\.x\{taxId\}: .*property's name/],
    [{ '{taxId}': 1 }, /property's name/],
    [['{years}'], /^0: .*required or has a default/],
    ['{years}', /^: .*required or has a default/],
    [{ a: 2 ** 53 }, /^a: Must be between/],
    [{ a: [Number.POSITIVE_INFINITY] }, /^a\.0: Must be between/],
  ])('may not be %j', (body, fault) => {
    expect(faults(body)).toEqual([expect.stringMatching(fault)]);
  });
});

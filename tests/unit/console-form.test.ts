import { parameterFaults, valueFaults as serverFaults } from '@boomerang/core/domain/catalogue/parameters.ts';
import { PARAMETER_FORMATS, type ParametersSchema } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ParameterSchema, Provider } from '../../console/api-types.ts';
import { bodyOf, faultsOf, fieldsOf, locateErrors, type NewJob, typedValue } from '../../console/new-job/form.ts';
import { valueFaults } from '../../console/new-job/parameter-rules.ts';

const gas: Provider = {
  id: 'gas',
  parameters: {
    type: 'object',
    required: ['account'],
    properties: {
      from: { type: 'string', format: 'date', title: 'From', description: 'First day' },
      size: { type: 'integer', minimum: 1, maximum: 200, default: 100 },
      all: { type: 'boolean', default: false },
      account: { type: 'string', pattern: '^[0-9]{8,12}$', writeOnly: true },
      state: { type: 'string', enum: ['open', 'closed'] },
    },
  },
};
const internet: Provider = { id: 'internet' };
const catalogue = [gas, internet];

const formOf = (change: Partial<NewJob> = {}): NewJob => ({
  providers: ['internet', 'gas'],
  parameters: { gas: { account: '12345678' } },
  callbackUrl: 'https://example.com/complete',
  metadata: [],
  ...change,
});

describe('the fields of a provider', () => {
  test('follow its schema, with required fields first', () => {
    expect(fieldsOf(gas)).toMatchObject([
      { name: 'account', title: 'account', control: 'password', isRequired: true, hint: 'pattern: ^[0-9]{8,12}$' },
      { name: 'from', title: 'From', description: 'First day', control: 'date', isRequired: false, hint: undefined },
      { name: 'size', control: 'number', fallback: '100', hint: 'a whole number, 1 to 200' },
      { name: 'all', control: 'select', options: ['true', 'false'], fallback: 'false' },
      { name: 'state', control: 'select', options: ['open', 'closed'], hint: undefined },
    ]);
  });

  test('are absent for a provider without parameters', () => {
    expect(fieldsOf(internet)).toEqual([]);
  });

  test.each<[ParameterSchema & Record<string, unknown>, object]>([
    [{ type: 'string', format: 'email' }, { control: 'email' }],
    [
      { type: 'string', format: 'uri' },
      { control: 'url', hint: 'format: uri' },
    ],
    [
      { type: 'string', minLength: 3 },
      { control: 'text', hint: 'at least 3 characters' },
    ],
    [{ type: 'string', minLength: 3, maxLength: 3 }, { hint: '3 characters' }],
    [{ type: 'string', examples: ['A-42', 'A-43'] }, { placeholder: 'A-42' }],
    [{ type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 9 }, { hint: 'above 0, below 9' }],
    [{ type: 'number', maximum: 9, multipleOf: 0.5 }, { hint: 'at most 9, a multiple of 0.5' }],
    [
      { type: 'integer', const: 7 },
      { control: 'select', options: ['7'] },
    ],
  ])('show their rules: %j', (schema, expected) => {
    const [field] = fieldsOf({ parameters: { type: 'object', properties: { p: schema } } });
    expect(field).toMatchObject(expected);
  });
});

describe('the body of a new job', () => {
  test('has its providers with and without parameters, in the chosen order', () => {
    const parameters = { gas: { account: '12345678', size: ' 20 ', from: '', all: 'true' } };
    expect(bodyOf(formOf({ parameters, callbackUrl: ' https://example.com/x ' }), catalogue)).toEqual({
      providers: ['internet', { id: 'gas', parameters: { account: '12345678', size: 20, all: true } }],
      callbackUrl: 'https://example.com/x',
    });
  });

  test('has metadata without blank rows', () => {
    const metadata = [
      { key: 'orderId', value: 'A-42' },
      { key: '', value: '' },
      { key: 'note', value: '' },
    ];
    expect(bodyOf(formOf({ metadata }), catalogue)).toMatchObject({ metadata: { orderId: 'A-42', note: '' } });
    expect(bodyOf(formOf({ metadata: [{ key: '', value: '' }] }), catalogue)).not.toHaveProperty('metadata');
  });

  test('has no parameters that the catalogue no longer has', () => {
    expect(bodyOf(formOf({ parameters: { internet: { color: 'blue' } } }), catalogue).providers[0]).toBe('internet');
  });
});

describe('the values of fields', () => {
  test.each<[ParameterSchema['type'], string, unknown]>([
    ['string', ' 12 ', ' 12 '],
    ['integer', '12', 12],
    ['number', '-1.5e3', -1500],
    ['number', '.5', 0.5],
    ['number', '0x10', '0x10'],
    ['number', '1,5', '1,5'],
    ['integer', 'Infinity', 'Infinity'],
    ['boolean', 'true', true],
    ['boolean', 'yes', 'yes'],
  ])('of type %s are typed: %j is %j', (type, text, value) => {
    expect(typedValue({ type }, text)).toBe(value);
  });
});

describe('the checks before sending', () => {
  test('accept a valid form', () => {
    expect(faultsOf(formOf(), catalogue)).toEqual({});
  });

  test('name each invalid field', () => {
    const form = formOf({
      parameters: { gas: { account: '', size: '1.5', state: 'lost' } },
      callbackUrl: 'example.com',
      metadata: [
        { key: 'a b', value: '' },
        { key: 'x', value: '1' },
        { key: 'x', value: '2' },
      ],
    });
    expect(faultsOf(form, catalogue)).toEqual({
      'parameter.gas.account': 'Is required',
      'parameter.gas.size': 'Must be an integer',
      'parameter.gas.state': 'Must be one of "open", "closed"',
      callbackUrl: 'Must be an absolute URL',
      'metadata.0.key': 'Must have a name of 1 to 64 letters, digits, ".", "_" or "-"',
      'metadata.2.key': 'Must not be repeated',
    });
  });

  test.each([
    ['', 'Is required'],
    ['https:/x', 'Must be an absolute URL'],
    ['ftp://example.com', 'Must begin with https://'],
    ['https://me@example.com', 'Must not contain a user name or a password'],
    ['https://example.com/#x', 'Must not have a fragment'],
  ])('reject the callback URL %j', (callbackUrl, message) => {
    expect(faultsOf(formOf({ callbackUrl }), catalogue)).toEqual({ callbackUrl: message });
  });

  test('require a provider that is in the catalogue', () => {
    expect(faultsOf(formOf({ providers: [] }), catalogue)).toEqual({ providers: 'Choose at least one provider' });
    expect(faultsOf(formOf({ providers: ['tv'] }), catalogue)).toEqual({
      'provider.tv': 'Is no longer in the catalogue',
    });
  });
});

describe('the parameter rules of the form', () => {
  const schema = fc.oneof(
    fc.record(
      {
        type: fc.constant('string' as const),
        minLength: fc.nat(4),
        maxLength: fc.nat(6),
        pattern: fc.constantFrom('^a', '[0-9]{2}', '^.$'),
        enum: fc.array(fc.constantFrom('a', 'ab', '12', '😀'), { minLength: 1 }),
        const: fc.constantFrom('a', '12'),
      },
      { requiredKeys: ['type'] },
    ),
    fc.record(
      {
        type: fc.constantFrom('integer' as const, 'number' as const),
        minimum: fc.integer({ min: -5, max: 5 }),
        maximum: fc.integer({ min: -5, max: 5 }),
        exclusiveMinimum: fc.integer({ min: -5, max: 5 }),
        exclusiveMaximum: fc.integer({ min: -5, max: 5 }),
        multipleOf: fc.constantFrom(0.01, 0.5, 2, 1e-7),
        enum: fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 30 }),
        const: fc.constantFrom(1, 2.5),
      },
      { requiredKeys: ['type'] },
    ),
    fc.constant({ type: 'boolean' as const }),
  );
  const anyText = fc.oneof(
    fc.string({ maxLength: 6, unit: 'binary' }),
    fc.constantFrom('a', 'ab', '12', 'true', 'false', '1e400', '9007199254740993', '19.99', '-3', '2.5', '😀😀'),
    fc.integer({ min: -9, max: 9 }).map(String),
  );

  test('match the server for every type and rule', () => {
    fc.assert(
      fc.property(schema, anyText, (property, text) => {
        const value = typedValue(property, text);
        expect(valueFaults(property, value)).toEqual(serverFaults(property, value, false));
      }),
      { numRuns: 2000 },
    );
  });

  test('are never stricter than the server for formats, and have the same messages', () => {
    const samples = [
      '2026-01-31',
      '23:59:59Z',
      '2026-01-31t23:59:59+01:00',
      'P1DT12H',
      'P2W',
      'a@b.example',
      'b.example',
    ];
    const addresses = ['127.0.0.1', '::1', '::ffff:1.2.3.4', 'https://[::1]:80/x', 'urn:x:y', 'http://a/%20?#'];
    const uuid = '0b8f2a34-0000-4000-8000-00000000000A';
    const editedSample = fc
      .tuple(
        fc.constantFrom(...samples, ...addresses, uuid),
        fc.nat(40),
        fc.constantFrom('', '0', 'a', '-', ':', '.', '@', 'é'),
      )
      .map(([sample, index, insert]) => sample.slice(0, index) + insert + sample.slice(index + 1));
    fc.assert(
      fc.property(fc.constantFrom(...PARAMETER_FORMATS), fc.oneof(editedSample, fc.string()), (format, text) => {
        const property = { type: 'string' as const, format };
        const faults = valueFaults(property, text);
        if (faults.length > 0) expect(faults).toEqual(serverFaults(property, text, false));
      }),
      { numRuns: 5000 },
    );
  });

  test('reject a blank value for every format', () => {
    for (const format of PARAMETER_FORMATS) expect(valueFaults({ type: 'string', format }, ' ')).toHaveLength(1);
  });

  test('accept a form if and only if the server accepts its parameters', () => {
    fc.assert(
      fc.property(schema, anyText, fc.boolean(), (property, text, isRequired) => {
        const parameters: ParametersSchema = {
          type: 'object',
          properties: { p: property },
          ...(isRequired && { required: ['p'] }),
        };
        const provider = { id: 'gas', parameters } as Provider;
        const form = formOf({ providers: ['gas'], parameters: { gas: { p: text } } });
        const [requested] = bodyOf(form, [provider]).providers;
        const values = typeof requested === 'string' ? {} : requested?.parameters;
        const isAccepted = parameterFaults({ parameters, url: 'https://h{?p}' }, values).length === 0;
        expect(Object.keys(faultsOf(form, [provider])).length === 0).toBe(isAccepted);
      }),
    );
  });
});

describe('the errors of a 422 response', () => {
  test('are assigned to their fields', () => {
    const form = formOf({
      metadata: [
        { key: '', value: '' },
        { key: 'order/id~', value: 'x' },
      ],
    });
    const errors = [
      { pointer: '/providers/1/parameters/account', message: 'Must match' },
      { pointer: '/providers/1/parameters/account', message: 'Must be short' },
      { pointer: '/providers/0', message: '"internet" is not a known provider' },
      { pointer: '/callbackUrl', message: 'Must be public' },
      { pointer: '/metadata/order~1id~0', message: 'Must be a string' },
      { pointer: '/metadata', message: 'Must be at most 1024 bytes of JSON' },
      { pointer: '/providers', message: 'Must have fewer' },
      { pointer: '/providers/7/parameters/x', message: 'Must be present' },
      { pointer: '/idempotency-key', message: 'Must be printable' },
      { pointer: '', message: 'Must be an object' },
    ];
    expect(locateErrors(form, errors)).toEqual({
      faults: {
        'parameter.gas.account': 'Must match. Must be short',
        'provider.internet': '"internet" is not a known provider',
        callbackUrl: 'Must be public',
        'metadata.1.key': 'Must be a string',
        metadata: 'Must be at most 1024 bytes of JSON',
        providers: 'Must have fewer. Must be present',
      },
      others: ['/idempotency-key: Must be printable', 'Must be an object'],
    });
  });
});

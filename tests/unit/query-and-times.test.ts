import { decodeCursor, encodeCursor } from '@boomerang/core/http/cursor.ts';
import { timeSchema } from '@boomerang/core/http/time-schema.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jobDataQuerySchema, jobQuerySchema } from '../../functions/job-read/schema.ts';

/** The time in UTC, or the messages of the errors. */
const readTime = (text: unknown) => {
  const parsed = timeSchema.safeParse(text);
  return parsed.success ? new Date(parsed.data).toISOString() : parsed.error.issues.map(({ message }) => message);
};

describe('a time in a request', () => {
  test.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00:00.123456789+05:30', '2026-01-31T06:30:00.123Z'],
    ['2026-01-31T12:00:00-23:59', '2026-02-01T11:59:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
    ['1969-12-31T23:59:59Z', '1969-12-31T23:59:59.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['9999-12-31T23:59:59.999+00:01', '9999-12-31T23:58:59.999Z'],
  ])('%s is read as %s', (text, iso) => expect(readTime(text)).toBe(iso));

  test.each([
    '9999-12-31T23:59:59-01:00',
    '9999-12-31T23:59:59.999-00:01',
    '0000-01-01T00:00:00+00:01',
    '0000-01-01T00:00:00+23:59',
  ])('%s is rejected, since its year in UTC does not have four digits', (text) => {
    expect(readTime(text)).toEqual(['Must be in the years 0000 to 9999, in UTC']);
  });

  test.each([
    '+010000-01-01T00:00:00Z',
    '-000001-01-01T00:00:00Z',
    '10000-01-01T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2016-12-31T23:59:60Z',
    '2026-02-29T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-31T12:00:00+24:00',
    '2026-01-31T12:00:00-24:00',
    '2026-01-31T12:00:00+05:60',
    '2026-01-31T12:00Z',
    '2026-01-31T12:00:00',
    '2026-01-31',
    '2026-01-31 12:00:00Z',
    '2026-01-31T12:00:00Z ',
    '1769860800',
    '',
    `2026-01-31T12:00:00.${'0'.repeat(10_000)}Z`,
    1_769_860_800,
    null,
  ])('%j is rejected', (text) => expect(readTime(text)).toEqual([expect.stringMatching(/^Must /)]));

  test('has a year of four digits in UTC if accepted, so that times sort as text', () => {
    const offset = fc
      .tuple(fc.constantFrom('+', '-'), fc.nat(23), fc.nat(59))
      .map(([sign, ...parts]) => sign + parts.map((part) => String(part).padStart(2, '0')).join(':'));
    const years = fc.oneof(fc.constantFrom(0, 1, 9998, 9999), fc.nat(9999));
    const local = fc
      .tuple(years, fc.constantFrom('-01-01T00:00:00', '-12-31T23:59:59', '-06-15T12:30:00'))
      .map(([year, rest]) => String(year).padStart(4, '0') + rest);
    fc.assert(
      fc.property(local, offset, (text, zone) => {
        const time = readTime(text + zone);
        if (typeof time === 'string') expect(time).toMatch(/^\d{4}-/);
      }),
    );
  });
});

describe('the query of a list', () => {
  /** The parsed query, or the paths of its errors; `?` is an unknown parameter. */
  const parseQuery = (query: object, schema: typeof jobQuerySchema | typeof jobDataQuerySchema = jobQuerySchema) => {
    const parsed = schema.safeParse(query);
    if (parsed.success) return parsed.data;
    return parsed.error.issues.map(({ code, path }) =>
      [...path, ...(code === 'unrecognized_keys' ? ['?'] : [])].join(),
    );
  };
  const after = '2026-01-31T12:00:00.000Z#01a20b4c-cf47-716b-85d8-5343742576b8';

  test('is parsed', () => {
    expect(parseQuery({})).toEqual({ limit: 20 });
    expect(parseQuery({ status: 'FAILED', limit: '007', cursor: encodeCursor(after) })).toEqual({
      status: ['FAILED'],
      limit: 7,
      cursor: after,
    });
    expect(parseQuery({ status: 'FAILED,PARTIAL', providerId: 'gas', from: '2026-01-31T12:00:00Z' })).toEqual({
      status: ['FAILED', 'PARTIAL'],
      providerId: 'gas',
      from: Date.parse('2026-01-31T12:00:00Z'),
      limit: 20,
    });
    expect(parseQuery({ failureCode: 'CALLBACK_GONE' })).toEqual({ failureCode: 'CALLBACK_GONE', limit: 20 });
    for (const status of [{}, { status: 'PENDING' }]) {
      expect(parseQuery({ inTrouble: 'true', ...status })).toMatchObject({ inTrouble: true });
    }
    expect(parseQuery({ providerId: 'gas' }, jobDataQuerySchema)).toEqual({ providerId: 'gas' });
  });

  test.each([
    [{ staus: 'FAILED' }, '?'],
    [{ status: '' }, 'status'],
    [{ status: 'failed' }, 'status'],
    [{ status: 'FAILED,' }, 'status'],
    [{ status: 'FAILED, PARTIAL' }, 'status'],
    [{ inTrouble: 'false' }, 'inTrouble'],
    [{ inTrouble: 'true', status: 'PENDING,FAILED' }, 'status'],
    [{ failureCode: 'GONE' }, 'failureCode'],
    [{ providerId: 'GAS' }, 'providerId'],
    [{ from: 'yesterday' }, 'from'],
    [{ from: '2026-01-31T12:00:00Z', to: '2026-01-31T12:00:00Z' }, 'from'],
    [{ from: '2026-01-31T12:00:00Z', to: '2026-01-31T13:00:00+01:00' }, 'from'],
    [{ limit: '' }, 'limit'],
    [{ limit: '0' }, 'limit'],
    [{ limit: '101' }, 'limit'],
    [{ limit: '1.0' }, 'limit'],
    [{ limit: '+1' }, 'limit'],
    [{ limit: '1e1' }, 'limit'],
    [{ limit: '٣' }, 'limit'],
    [{ cursor: '' }, 'cursor'],
    [{ cursor: after }, 'cursor'],
    [{ cursor: `${encodeCursor(after)},` }, 'cursor'],
    [{ cursor: `${encodeCursor(after)}=` }, 'cursor'],
    [{ cursor: `${encodeCursor(after)}\n` }, 'cursor'],
    [{ cursor: encodeCursor(`${after}x`) }, 'cursor'],
  ])('%j is rejected, with an error at %s', (query, path) => expect(parseQuery(query)).toContain(path));

  test.each([{ providerId: '' }, { providerId: 'GAS' }, { provider: 'gas' }, { providerId: 'gas,internet' }])(
    '%j is rejected for the data of a job',
    (query) => expect(parseQuery(query, jobDataQuerySchema)).toHaveLength(1),
  );

  test('accepts only the canonical text of a cursor', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        const decoded = decodeCursor(text);
        if (decoded !== undefined) expect(encodeCursor(decoded)).toBe(text);
      }),
    );
    expect(decodeCursor(encodeCursor(after))).toBe(after);
  });
});

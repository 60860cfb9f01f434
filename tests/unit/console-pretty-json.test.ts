import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { prettyJson } from '../../console/job/pretty-json.ts';

test('JSON is indented as JSON.stringify indents it, whatever its original spacing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, space) => {
      expect(prettyJson(JSON.stringify(value, null, space))).toBe(JSON.stringify(value, null, 2));
    }),
  );
});

test('numbers keep every digit', () => {
  expect(prettyJson('{"id":12345678901234567890,"rate":1.10}')).toBe(
    '{\n  "id": 12345678901234567890,\n  "rate": 1.10\n}',
  );
});

test('quotes and brackets in strings do not affect the indentation', () => {
  expect(prettyJson('["a\\"],{\\\\"]')).toBe('[\n  "a\\"],{\\\\"\n]');
});

test('truncated JSON is indented up to its end', () => {
  expect(prettyJson('{"a":"b')).toBe('{\n  "a": "b');
});

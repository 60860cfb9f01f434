import { describe, expect, test } from '@jest/globals';
import { toJsonText } from '../../functions/provider-fetch/read-response.ts';

const bytes = (...values: number[]) => Buffer.from(values);
const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16();
const utf16le = (text: string) => Buffer.from(text, 'utf16le');
const BOM = '\uFEFF';
const xml = (encoding: string) => `<?xml version="1.0" encoding="${encoding}"?><é/>`;
const html = (meta: string) => `<!doctype html><head>${meta}</head>é`;

const jsonOf = (body: Buffer | string, type?: string): string => toJsonText(Buffer.from(body as string), type).json;

describe('JSON', () => {
  test.each([
    ['application/json'],
    ['Application/JSON; charset=utf-8'],
    ['application/json;charset="UTF-8"'],
    ['application/json; charset=no-such-charset'],
    ['application/hal+json'],
    ['application/vnd.api+json; version=1'],
    ['model/gltf+json'],
    ['text/json'],
    ['text/json; charset=utf8'],
    ['application/x-json'],
    ['text/x-json'],
    [undefined],
    ['json'],
    ['application/json, application/json'],
  ])('of type %s is passed on unchanged', (type) => {
    const text = '{ "id": 12345678901234567890, "é": 1.10 }\n';
    for (const body of [text, BOM + text]) expect(jsonOf(body, type)).toBe(text);
  });

  test.each<[string, Buffer, string]>([
    ['a declared legacy charset', Buffer.from('["é"]', 'latin1'), 'application/json; charset=iso-8859-1'],
    ['Windows-1252', bytes(0x5b, 0x22, 0xe9, 0x22, 0x5d), "application/json; charset='windows-1252'"],
    ['UTF-16 by its BOM', utf16le(`${BOM}["é"]`), 'application/json'],
    ['UTF-16 by its BOM, although UTF-8 is declared', utf16be(`${BOM}["é"]`), 'application/json; charset=utf-8'],
    ['declared big-endian UTF-16', utf16be('["é"]'), 'application/json; charset=utf-16be'],
    ['big-endian UTF-16 without a BOM', utf16be('["é"]'), 'application/json; charset=utf-16'],
    ['little-endian UTF-16 without a BOM', utf16le('["é"]'), 'application/json; charset=utf-16'],
    ['undeclared big-endian UTF-16', utf16be('["é"]'), 'text/json'],
    ['undeclared little-endian UTF-16', utf16le('["é"]'), 'application/x-json'],
  ])('in %s is decoded', (_name, body, type) => expect(jsonOf(body, type)).toBe('["é"]'));

  test.each<[string, string | Buffer, string]>([
    ['does not parse', '{', 'application/json'],
    ['is two values', '{}{}', 'text/json'],
    ['is only a space', ' ', 'application/json'],
    ['is not UTF-8', bytes(0x22, 0xff, 0x22), 'application/json'],
    ['has an incomplete UTF-8 sequence', bytes(0x22, 0xc3, 0x22), 'application/json'],
    ['encodes a surrogate in UTF-8', bytes(0x22, 0xed, 0xa0, 0x80, 0x22), 'application/json'],
    ['is UTF-32', bytes(0xff, 0xfe, 0, 0, 0x31, 0, 0, 0), 'application/json'],
    ['ends within a UTF-16 code unit', utf16le('[1]').subarray(0, 5), 'application/json; charset=utf-16le'],
    ['is invalid in its charset', bytes(0x22, 0x81, 0x22), 'application/json; charset=shift_jis'],
  ])('that %s is rejected', (_name, body, type) => expect(() => jsonOf(body, type)).toThrow(/^the (JSON|text) /));
});

describe('text', () => {
  test.each<[string, Buffer | string, string | undefined, string]>([
    ['UTF-8', 'é', 'text/plain', 'é'],
    ['UTF-8 with a BOM', `${BOM}é`, 'text/csv', 'é'],
    ['UTF-8 with a BOM, although Latin-1 is declared', `${BOM}é`, 'text/plain; charset=iso-8859-1', 'é'],
    ['the declared charset', bytes(0xe9), 'text/plain; charset=ISO-8859-1', 'é'],
    ['the declared charset in quotes', bytes(0x80), 'text/plain;format=flowed;charset="iso-8859-1"', '€'],
    ['a declared multi-byte charset', bytes(0x82, 0xa0), 'text/plain; charset=Shift_JIS', 'あ'],
    ['UTF-16 with a BOM', utf16le(`${BOM}é`), 'text/plain', 'é'],
    ['UTF-16 with a BOM, although UTF-8 is declared', utf16be(`${BOM}é`), 'text/plain; charset=utf-8', 'é'],
    [
      'XML with an encoding declaration',
      Buffer.from(xml('ISO-8859-1'), 'latin1'),
      'application/xml',
      xml('ISO-8859-1'),
    ],
    ['XML of a +xml type', Buffer.from(xml('latin1'), 'latin1'), 'application/atom+xml', xml('latin1')],
    ['XML of type text/xml', Buffer.from(xml('latin1'), 'latin1'), 'text/xml', xml('latin1')],
    [
      'XML whose charset parameter contradicts its declaration',
      Buffer.from(xml('latin1')),
      'text/xml; charset=utf-8',
      xml('latin1'),
    ],
    ['XML in UTF-8 that declares UTF-16', xml('UTF-16'), 'application/xml', xml('UTF-16')],
    ['XML in big-endian UTF-16', utf16be(xml('UTF-16')), 'image/svg+xml', xml('UTF-16')],
    ['XML in little-endian UTF-16', utf16le(xml('UTF-16')), 'application/xml', xml('UTF-16')],
    ['XML without a declaration', '<é/>', 'application/xhtml+xml', '<é/>'],
    [
      'HTML with meta charset',
      Buffer.from(html('<meta charset=latin1>'), 'latin1'),
      'text/html',
      html('<meta charset=latin1>'),
    ],
    [
      'HTML with meta http-equiv',
      Buffer.from(html('<meta http-equiv="x" content="text/html; charset=latin1">'), 'latin1'),
      'text/html',
      html('<meta http-equiv="x" content="text/html; charset=latin1">'),
    ],
    ['text under application/', 'a: é', 'application/yaml', 'a: é'],
    ['lines of JSON', '{}\n{}', 'application/x-ndjson', '{}\n{}'],
    ['JSON of type text/plain', '{}', 'text/plain', '{}'],
    ['no type', '{', undefined, '{'],
    ['no type, in UTF-16', utf16le(`${BOM}é`), undefined, 'é'],
    ["a provider's own replacement character", '\uFFFD', 'text/plain', '\uFFFD'],
  ])('(%s) becomes a string', (_name, body, type, expected) => expect(JSON.parse(jsonOf(body, type))).toBe(expected));

  test.each<[string, Buffer, string]>([
    ['undeclared Latin-1', bytes(0xe9), 'text/plain'],
    ['Latin-1 declared as UTF-8', bytes(0xe9), 'text/plain; charset=utf-8'],
    ['an unknown charset', Buffer.from('a'), 'text/plain; charset=ibm037'],
    ['UTF-7, which hides markup', Buffer.from('+AGE-'), 'text/html; charset=utf-7'],
    ['half of a UTF-16 code unit', utf16le('é').subarray(0, 1), 'text/plain; charset=utf-16le'],
    ['a lone surrogate', utf16le('\ud83d'), 'text/plain; charset=utf-16le'],
    [
      'XML with bytes that are invalid in its declared encoding',
      Buffer.from(xml('utf-8'), 'latin1'),
      'application/xml',
    ],
    ['a byte without a character in its charset', bytes(0xaa), 'text/plain; charset=windows-1253'],
  ])('(%s) is rejected, and never gets a replacement character', (_name, body, type) => {
    expect(() => jsonOf(body, type)).toThrow(/^the text is not /);
  });
});

describe('anything else', () => {
  const binary = bytes(0x25, 0x50, 0x44, 0x46, 0xff, 0, 0xfe);

  test.each([
    ['application/pdf', 'application/pdf'],
    ['image/png', 'image/png'],
    ['application/octet-stream', 'application/octet-stream'],
    [' application/pdf;charset=UTF-8', 'application/pdf;charset=UTF-8'],
    ['multipart/mixed; boundary=x', 'multipart/mixed; boundary=x'],
    [`application/zip; x=${'y'.repeat(300)}`, 'application/zip'],
    [undefined, 'application/octet-stream'],
    ['nonsense', 'application/octet-stream'],
  ])('of type %s becomes its type and its bytes in base64', (type, contentType) => {
    expect(JSON.parse(jsonOf(binary, type))).toEqual({ contentType, base64: binary.toString('base64') });
  });

  test('is limited by its base64 length: 768 KiB fit into 1 MiB', () => {
    expect(toJsonText(Buffer.alloc(768 * 1024), 'image/png').bytes).toBe(1024 * 1024);
    expect(toJsonText(Buffer.from('"é"'), 'application/json').bytes).toBe(4);
  });

  test('without a type is text only if all its characters are allowed in text', () => {
    expect(JSON.parse(jsonOf('a\tb\r\nc\x1b[0m'))).toBe('a\tb\r\nc\x1b[0m');
    expect(JSON.parse(jsonOf('GIF89a\x01\x00'))).toMatchObject({ contentType: 'application/octet-stream' });
  });
});

test.each(['application/json', 'text/plain', 'application/pdf', undefined])(
  'an empty body of type %s is null',
  (type) => {
    expect(jsonOf('', type)).toBe('null');
  },
);

test('a body of only a BOM is null as JSON', () => {
  expect(jsonOf(BOM, 'application/json')).toBe('null');
});

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { readHeaders } from '../../cli/read-headers.ts';

const SECRET = 'swordfish-1234';

const aFile = (text: string | Buffer): string => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'boomerang-')), 'headers.txt');
  writeFileSync(file, text);
  return file;
};

/** The headers, or the message of the error. */
const read = async (header: string[], file?: string): Promise<unknown> =>
  readHeaders('set-headers', { header, 'header-file': file }).catch(
    (error: Error) => `${error.name}: ${error.message}`,
  );

test('headers are undefined without an option', async () => {
  expect(await readHeaders('set-headers', {})).toBeUndefined();
});

test('command-line headers come first; values keep their colons; blank lines, CRLF and a BOM are ignored', async () => {
  const file = aFile(`\uFEFFAuthorization: Bearer ${SECRET}\r\n\r\n \t\nX-Url:https://example.com:8443/é\n`);
  expect(await read(['x-a: b'], file)).toEqual([
    { name: 'x-a', value: 'b' },
    { name: 'authorization', value: `Bearer ${SECRET}` },
    { name: 'x-url', value: 'https://example.com:8443/é' },
  ]);
});

test.each<[string, string[], string | undefined, string]>([
  ['a reserved name', [`Host: ${SECRET}`], undefined, 'header 1 (host): Must not be'],
  [
    'a name that the signature uses',
    ['x-a: b', `Webhook-Id: ${SECRET}`],
    undefined,
    'header 2 (webhook-id): Must not be',
  ],
  ['a repeated name', ['x-a: b', `X-A: ${SECRET}`], undefined, 'header 2 (x-a): Must appear once'],
  ['a name in both the option and the file', ['x-a: b'], aFile(`X-A: ${SECRET}`), 'header 2 (x-a): Must appear once'],
  ['a line break', [`x-a: ${SECRET}\nx-b: c`], undefined, 'header 1 (x-a): Must have a value of printable Latin-1'],
  ['a continued line', [], aFile(`x-a: b\n  ${SECRET}: c`), 'header 2: Must have a name'],
  ['no colon', [SECRET], undefined, 'header 1: Must have a name'],
  ['no name', [`: ${SECRET}`], undefined, 'header 1: Must have a name'],
  ['a blank in the name', [`Bearer ${SECRET}: x`], undefined, 'header 1: Must have a name'],
  ['no value', ['x-a:'], undefined, 'header 1 (x-a): Must have a value'],
  ['another encoding', [], aFile(Buffer.from(`x-a: ${SECRET} é`, 'latin1')), 'header 1 (x-a): Must have a value of'],
  ['11 headers', Array.from({ length: 11 }, (_, at) => `x-${at}: ${SECRET}`), undefined, 'Must be at most 10 headers'],
  ['over 4096 bytes', [`x-a: ${SECRET.repeat(300)}`], undefined, 'Must be at most 4096 bytes'],
  ['a file that does not exist', [], '/nowhere/headers.txt', "--header-file can't be read: ENOENT"],
  ['a folder instead of a file', [], tmpdir(), "--header-file can't be read: EISDIR"],
  ['an empty file', ['x-a: b'], aFile(''), '--header-file has no headers'],
  ['a file of blank lines', [], aFile('\n \r\n'), '--header-file has no headers'],
])('%s is a usage error, and the message contains no header value', async (_case, header, file, reason) => {
  const error = await read(header, file);
  expect(error).toMatch(/^UsageError: set-headers: /);
  expect(error).toContain(reason);
  expect(error).not.toContain('swordfish');
});

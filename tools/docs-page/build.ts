import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { readArguments } from '../../cli/command.ts';

/**
 * `npm run docs-page`: writes the renderer of the API documents, RapiDoc, into the function that serves it. RapiDoc is not a
 * dependency, because its package installs 99 others and only one built file of it is used (docs/decisions/0022-docs-renderer.md).
 */

const VERSION = '9.3.8';
const INTEGRITY = 'sha512-eCYEbr1Xr8OJZvVCw8SXl9zBCRoLJbhNGuG5IZTHq/RWAOq/O4MafUCuFEyZHsrhLrlUcGZMa64pyhpib8fQKQ==';
const FILE = fileURLToPath(new URL('../../functions/api-docs/renderer.json', import.meta.url));

const { values } = readArguments({
  name: 'npm run docs-page',
  about: 'Downloads RapiDoc from the npm registry, and writes functions/api-docs/renderer.json.',
  options: { check: { type: 'boolean', about: 'write nothing, and fail if the committed file is outdated' } },
  exitCodes: { 1: 'the download has an unexpected checksum; with --check: the file is outdated' },
});

const download = (folder: string): void => {
  execFileSync('npm', ['pack', `rapidoc@${VERSION}`, '--pack-destination', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const archive = path.join(folder, `rapidoc-${VERSION}.tgz`);
  const checksum = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (checksum !== INTEGRITY) throw new Error(`rapidoc@${VERSION} has the checksum ${checksum}`);
  execFileSync('tar', ['-xzf', archive, '-C', folder]);
};

const folder = mkdtempSync(path.join(tmpdir(), 'rapidoc-'));
try {
  download(folder);
  const read = (name: string): string => readFileSync(path.join(folder, 'package', name), 'utf8');
  const licences = [read('LICENSE.txt'), read('dist/rapidoc-min.js.LICENSE.txt')]
    .join('\n')
    .replaceAll(/\/\*!?|\*\//g, '');
  const script = Buffer.from(`/*! RapiDoc ${VERSION}\n${licences}*/\n${read('dist/rapidoc-min.js')}`);
  const digest = createHash('sha256').update(script).digest('base64url').slice(0, 16);
  const renderer = {
    name: `rapidoc-${VERSION}-${digest}.js`,
    bytes: script.length,
    gzip: gzipSync(script, { level: 9 }).toString('base64'),
  };
  const text = `${JSON.stringify(renderer, null, 2)}\n`;
  if (!values.check) writeFileSync(FILE, text);
  else if (readFileSync(FILE, 'utf8') !== text) {
    console.error('functions/api-docs/renderer.json is outdated: run npm run docs-page');
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}

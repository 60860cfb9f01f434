import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import { readArguments } from '../../cli/command.ts';
import { BROWSER_OPTIONS } from '../browser-options.ts';

/**
 * `npm run docs-page`: bundles RapiDoc, the renderer of the API documents, for the function that serves it. It leaves out
 * what the page does not need, above all the library that resolves references, which is more than half of RapiDoc
 * (docs/decisions/0022-docs-renderer.md).
 */

const VERSION = '9.3.8';
const INTEGRITY = 'sha512-eCYEbr1Xr8OJZvVCw8SXl9zBCRoLJbhNGuG5IZTHq/RWAOq/O4MafUCuFEyZHsrhLrlUcGZMa64pyhpib8fQKQ==';
const FILE = fileURLToPath(new URL('../../functions/api-docs/renderer.json', import.meta.url));

/** The fixture that requests the renderer by its name. */
const FIXTURE = fileURLToPath(new URL('../../events/api-docs/renderer.json', import.meta.url));

const { values } = readArguments({
  name: 'npm run docs-page',
  about: 'Downloads RapiDoc from the npm registry, and bundles it into functions/api-docs/renderer.json.',
  options: { check: { type: 'boolean', about: 'write nothing, and fail if the committed file is outdated' } },
  examples: { '': 'write the renderer', '--check': 'as in CI' },
  exitCodes: { 1: 'the download has an unexpected checksum; with --check: the file is outdated' },
});

const npm = (folder: string, ...parameters: string[]): void => {
  execFileSync('npm', parameters, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
};

/** Downloads RapiDoc's files to `package`, and the packages that they import to `node_modules`. */
const download = (folder: string): void => {
  npm(folder, 'pack', `rapidoc@${VERSION}`);
  const archive = path.join(folder, `rapidoc-${VERSION}.tgz`);
  const checksum = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (checksum !== INTEGRITY) throw new Error(`rapidoc@${VERSION} has the checksum ${checksum}`);
  execFileSync('tar', ['-xzf', archive, '-C', folder]);
  for (const name of ['package.json', 'package-lock.json'])
    copyFileSync(new URL(name, import.meta.url), path.join(folder, name));
  npm(folder, 'ci', '--ignore-scripts', '--no-audit', '--no-fund');
};

/**
 * Leaves out the library that resolves references, because page.ts does that, and the highlighting of languages that no document
 * has.
 */
const leaveOutUnused: Plugin = {
  name: 'leave-out-unused',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^@apitools\/openapi-parser$/ }, ({ path }) => ({ path, namespace: 'resolver' }));
    onLoad({ filter: /./, namespace: 'resolver' }, () => ({
      contents: 'export default { resolve: async ({ spec }) => ({ spec, resolvedSpec: spec }) };',
    }));
    onResolve({ filter: /^prismjs\/components\/prism-(csharp|css|http|java|yaml)$/ }, ({ path }) => ({
      path,
      namespace: 'empty',
    }));
    onLoad({ filter: /./, namespace: 'empty' }, () => ({ contents: '' }));
  },
};

const bundle = async (folder: string): Promise<Buffer> => {
  const source = path.join(folder, 'package/src');
  const { outputFiles, metafile } = await build({
    ...BROWSER_OPTIONS,
    absWorkingDir: folder,
    entryPoints: [path.join(source, 'rapidoc.js')],
    alias: { '~': source },
    plugins: [leaveOutUnused],
    metafile: true,
  });
  const packages = new Set(
    Object.keys(metafile.inputs).flatMap(
      (file) => /^(?:package|node_modules\/(?:@[^/]+\/)?[^/]+)(?=\/)/.exec(file) ?? [],
    ),
  );
  const licences = [...packages].sort().map((name) => licenceOf(path.join(folder, name)));
  return Buffer.from(`/*!\n${licences.join('\n')}*/\n${outputFiles[0]?.text}`);
};

const licenceOf = (folder: string): string => {
  const { name, version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? '' : readFileSync(path.join(folder, file), 'utf8');
  return `${name} ${version} (${license})\n${text.replaceAll(/\/\*!?|\*\//g, '').trim()}\n`;
};

/** Whether the committed file is current. Compares uncompressed scripts, because versions of zlib compress differently. */
const isCurrent = (script: Buffer): boolean =>
  script.equals(gunzipSync(Buffer.from(JSON.parse(readFileSync(FILE, 'utf8')).gzip, 'base64')));

const folder = mkdtempSync(path.join(tmpdir(), 'rapidoc-'));
try {
  download(folder);
  const script = await bundle(folder);
  const gzip = gzipSync(script, { level: 9 });
  console.log(`The renderer has ${script.length} bytes, ${gzip.length} with gzip.`);
  if (values.check) {
    if (!isCurrent(script)) {
      console.error('functions/api-docs/renderer.json is outdated: run npm run docs-page');
      process.exitCode = 1;
    }
  } else {
    const digest = createHash('sha256').update(script).digest('base64url').slice(0, 16);
    const renderer = { name: `rapidoc-${VERSION}-${digest}.js`, bytes: script.length, gzip: gzip.toString('base64') };
    writeFileSync(FILE, `${JSON.stringify(renderer, null, 2)}\n`);
    writeFileSync(FIXTURE, readFileSync(FIXTURE, 'utf8').replaceAll(/rapidoc-[\w.-]+\.js/g, renderer.name));
  }
} finally {
  rmSync(folder, { recursive: true });
}

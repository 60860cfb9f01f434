import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { readBundleOptions } from '../../tools/bundle-options.ts';
import { FUNCTION_SETTINGS } from '../function-settings.ts';

/** Bundles a function as on AWS. */
const bundleOf = async (stem: string) => {
  const { metafile, outputFiles } = await build({
    ...readBundleOptions(),
    entryPoints: [`functions/${stem}/handler.ts`],
    outfile: 'handler.js',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const [output] = Object.values(metafile.outputs);
  const inputs = Object.entries(output?.inputs ?? {}).flatMap(([path, { bytesInOutput }]) =>
    bytesInOutput > 0 ? path : [],
  );
  return { kibibytes: (outputFiles[0]?.contents.length ?? 0) / 1024, inputs };
};

/** Code that only `provider-fetch` needs to call providers, and code that validates a whole catalogue. */
const PROVIDER_CALLS =
  /catalogue\/(?:catalogue|provider-schema|body-template)\.ts|oauth4webapi|http-link-header|jsonc-parser/;

/** Size limits, KiB. Each cold start loads the whole bundle. */
const MAX_KIBIBYTES: Record<string, number> = {
  'api-docs': 1_500,
  'callback-deliver': 404,
  complete: 378,
  console: 192,
  'provider-fetch': 514,
  providers: 167,
  'route-fallback': 159,
  webhook: 395,
};
const MAX_OTHER_KIBIBYTES = 386;

const FUNCTIONS = readdirSync('functions');

test.each(FUNCTIONS)(
  '%s stays below its size limit, and only provider-fetch contains code for calling providers',
  async (stem) => {
    const { kibibytes, inputs } = await bundleOf(stem);
    expect(kibibytes).toBeLessThan(MAX_KIBIBYTES[stem] ?? MAX_OTHER_KIBIBYTES);
    if (stem !== 'provider-fetch') expect(inputs.filter((path) => PROVIDER_CALLS.test(path))).toEqual([]);
  },
  30_000,
);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

test('a bundle signs its calls with the credentials in the environment, and loads neither external packages nor undici', async () => {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.headers['x-amz-target']} ${request.headers.authorization}`);
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{"Items":[],"Count":0}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  // Outside of the repository, so that no package is found.
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-bundle-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  await build({
    ...readBundleOptions(),
    entryPoints: ['functions/job-cancel/handler.ts'],
    outfile: path.join(folder, 'handler.js'),
    logLevel: 'silent',
  });
  const event = {
    headers: { authorization: 'Bearer bmr_unknown' },
    pathParameters: { jobId: '01a20b4c-cf47-716b-85d8-5343742576b8' },
    requestContext: { requestId: 'r1', http: { method: 'POST' } },
  };
  writeFileSync(
    path.join(folder, 'main.js'),
    `const { handler } = require('./handler.js');
     const hasUndici = process.moduleLoadList.includes('NativeModule internal/deps/undici/undici');
     handler(${JSON.stringify(event)}, {}).then(({ statusCode }) => {
       console.log(statusCode, hasUndici);
     });`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, ['main.js'], {
    cwd: folder,
    env: {
      ...FUNCTION_SETTINGS,
      POWERTOOLS_LOG_LEVEL: 'SILENT',
      AWS_ACCESS_KEY_ID: 'lambda',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_SESSION_TOKEN: 'token',
      AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    },
  });
  expect(stdout.trim()).toBe('401 false');
  expect(requests).toEqual([expect.stringMatching(/^DynamoDB_20120810\.Query AWS4-HMAC-SHA256 Credential=lambda\//)]);
}, 30_000);

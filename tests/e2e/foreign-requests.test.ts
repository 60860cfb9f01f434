import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Instance, startInstance } from '../../local/instance.ts';

let cloud: Instance;
beforeAll(async () => {
  cloud = await startInstance({ FAILURE_RATE: '0', CORS_ORIGINS: 'https://app.example.com' });
}, 30_000);
afterAll(async () => cloud.stop(), 30_000);

const portOf = (url: string): number => Number(new URL(url).port);

/** Uses node:http because `fetch` does not allow another Host. */
const statusFor = (url: string, host: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: portOf(url), path: '/openapi.json', headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });

test.each(['serviceUrl', 'providersUrl'] as const)(
  'the API at %s accepts Host headers with names of this machine, and no others',
  async (api) => {
    const url = cloud[api];
    const port = portOf(url);
    for (const host of [
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      'LOCALHOST',
      'api.localhost:80',
      '[::1]:8080',
      'host.docker.internal:3000',
    ])
      expect([host, await statusFor(url, host)]).toEqual([host, 200]);
    for (const host of [
      `evil.example:${port}`,
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '192.168.0.1',
      'evil.example:80@127.0.0.1',
    ])
      expect([host, await statusFor(url, host)]).toEqual([host, 421]);
  },
);

test('the service API allows the origins in CORS_ORIGINS, and no others', async () => {
  for (const origin of ['https://app.example.com', 'https://example.com']) {
    const { status, headers } = await fetch(`${cloud.serviceUrl}/health`, { headers: { origin } });
    const allowed = origin === 'https://app.example.com' ? origin : null;
    expect([status, headers.get('access-control-allow-origin')]).toEqual([200, allowed]);
  }
});

const browser = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
);

/** A page that attacks each endpoint by its address and by DNS rebinding: the page's own host name resolves to loopback. */
const pageFor = (endpoints: string[], target: string): string => `<script>
const tries = [];
const attempt = (name, url, init) => fetch(url, init).then(
  async (answer) => tries.push([name, answer.status + ' ' + (await answer.text())]),
  () => tries.push([name, 'refused']));
const headers = { 'x-amz-target': '${target}', 'content-type': 'application/x-amz-json-1.0' };
const body = '{"TableName":"ClientTable"}';
(async () => {
  for (const url of ${JSON.stringify(endpoints)}) {
    await attempt('GET ' + url, url);
    await attempt('POST ' + url, url, { method: 'POST', headers, body });
    await attempt('simple POST ' + url, url, { method: 'POST', body });
  }
  await fetch('/report', { method: 'POST', body: JSON.stringify(tries) });
})();
</script>`;

(browser ? test : test.skip)(
  'a page in a browser cannot read the embedded endpoints, even by DNS rebinding',
  async () => {
    const urls = Object.values(cloud.running.endpoints);
    const endpoints = urls.flatMap((url) => [url, `http://evil.example:${portOf(url)}`]);
    const report = Promise.withResolvers<[string, string][]>();
    const server = createServer((incoming, response) => {
      if (incoming.url === '/report') void text(incoming).then((body) => report.resolve(JSON.parse(body)));
      response.setHeader('content-type', 'text/html');
      response.end(incoming.url === '/' ? pageFor(endpoints, 'DynamoDB_20120810.Scan') : '');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const child = spawn(
      browser as string,
      [
        '--headless=new',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        `--user-data-dir=${mkdtempSync(path.join(tmpdir(), 'boomerang-browser-'))}`,
        '--host-resolver-rules=MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
        `http://evil.example:${(server.address() as AddressInfo).port}/`,
      ],
      { stdio: 'ignore' },
    );
    child.once('exit', (code) => report.reject(new Error(`the browser ended with ${code}`)));
    const tries = await report.promise;
    child.kill();
    server.close();
    server.closeAllConnections();
    expect(tries).toHaveLength(3 * endpoints.length);
    expect(tries.filter(([, outcome]) => outcome !== 'refused')).toEqual([]);
  },
  60_000,
);

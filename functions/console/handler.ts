import { gunzipSync } from 'node:zlib';
import { anyQuery, apiHandler } from '@boomerang/core/http/api-handler.ts';
import { acceptsGzip, includesEtag } from '@boomerang/core/http/request-headers.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import { page } from './page.ts';

/** `GET /console`: the console, one HTML page. It needs no authentication, because it holds no data. */
export const createHandler = ({ log }: { log: Log }) => {
  const plain = gunzipSync(Buffer.from(page.gzip, 'base64')).toString('utf8');
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': page.csp,
    'cache-control': 'no-cache',
    vary: 'accept-encoding',
    etag: page.etag,
  };
  return apiHandler(log, { query: anyQuery }, async ({ event }) => {
    if (includesEtag(event.headers['if-none-match'], page.etag)) return { statusCode: 304, headers };
    if (!acceptsGzip(event.headers['accept-encoding'])) return { statusCode: 200, headers, text: plain };
    return { statusCode: 200, headers: { ...headers, 'content-encoding': 'gzip' }, base64: page.gzip };
  });
};

export const handler = createHandler({ log: createLog('console') });

import { gunzipSync } from 'node:zlib';
import { anyQuery, apiHandler } from '@boomerang/core/http/api-handler.ts';
import { type StaticContent, serveStatic } from '@boomerang/core/http/static-content.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import { page } from './page.ts';

/** `GET /console`: the console, one HTML page. It needs no authentication, because it holds no data. */
export const createHandler = ({ log }: { log: Log }) =>
  apiHandler(log, { query: anyQuery }, async ({ event }) => serveStatic(PAGE, event.headers));

const PAGE: StaticContent = {
  type: 'text/html; charset=utf-8',
  digest: page.digest,
  plain: () => gunzipSync(Buffer.from(page.gzip, 'base64')).toString('utf8'),
  gzip: () => page.gzip,
  headers: { 'content-security-policy': page.csp },
};

export const handler = createHandler({ log: createLog('console') });

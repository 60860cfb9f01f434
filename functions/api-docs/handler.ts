import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { readOffers } from '@boomerang/core/adapters/file-offers.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import type { Offers } from '@boomerang/core/domain/catalogue/offers.ts';
import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { Problem } from '@boomerang/core/http/problem.ts';
import { type StaticContent, serveStatic } from '@boomerang/core/http/static-content.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import providers from '../../docs/openapi/providers.json' with { type: 'json' };
import service from '../../docs/openapi/service.json' with { type: 'json' };
import { createPage, PAGE_POLICY } from './page.ts';
import renderer from './renderer.json' with { type: 'json' };
import { type OpenApiDocument, withProviders } from './with-providers.ts';

const documents = { service, providers } as unknown as Record<string, OpenApiDocument>;

/** A text as static content. It is compressed on the first request, because most processes serve only one of the texts. */
const contentOf = (type: string, text: string, headers: Record<string, string> = {}): StaticContent => {
  let gzip: string | undefined;
  return {
    type,
    headers,
    digest: createHash('sha256').update(text).digest('base64url'),
    plain: () => text,
    gzip: () => {
      gzip ??= gzipSync(text, { level: 9 }).toString('base64');
      return gzip;
    },
  };
};

const RENDERER: StaticContent = {
  type: 'text/javascript; charset=utf-8',
  digest: renderer.name,
  plain: () => gunzipSync(Buffer.from(renderer.gzip, 'base64')).toString('utf8'),
  gzip: () => renderer.gzip,
  headers: { 'cache-control': 'public, max-age=31536000, immutable' },
};

/**
 * Serves `GET /openapi.json`, `GET /docs` and the script that renders the page. The stage variable `api` names the API; some
 * emulators send no stage variables, so the service API is the default.
 */
export const createHandler = ({ log, catalogue }: { log: Log; catalogue: Offers }) => {
  const apis = new Map(
    Object.entries(documents).map(([api, committed]) => {
      const document = withProviders(committed, catalogue);
      const page = createPage(document.info.title, renderer.name);
      return [
        api,
        {
          document: contentOf('application/json', JSON.stringify(document)),
          page: contentOf('text/html; charset=utf-8', page, { 'content-security-policy': PAGE_POLICY }),
        },
      ];
    }),
  );
  return apiHandler(log, {}, async ({ event, path }) => {
    const api = apis.get(event.stageVariables?.api ?? 'service');
    if (!api || (path.asset !== undefined && path.asset !== renderer.name)) throw new Problem(404, 'Not found.');
    if (path.asset !== undefined) return serveStatic(RENDERER, event.headers);
    return serveStatic(event.rawPath.endsWith('/docs') ? api.page : api.document, event.headers);
  });
};

const config = readSettings(['PROVIDER_CATALOGUE'], process.env);

export const handler = createHandler({ log: createLog('api-docs'), catalogue: readOffers(config.PROVIDER_CATALOGUE) });

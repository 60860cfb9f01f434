import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { readOffers } from '@boomerang/core/adapters/file-offers.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import type { Offers } from '@boomerang/core/domain/catalogue/offers.ts';
import { type ApiResponse, apiHandler, type Headers } from '@boomerang/core/http/api-handler.ts';
import { Problem } from '@boomerang/core/http/problem.ts';
import { acceptsGzip, includesEtag } from '@boomerang/core/http/request-headers.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import providers from '../../docs/openapi/providers.json' with { type: 'json' };
import service from '../../docs/openapi/service.json' with { type: 'json' };
import { createPage, PAGE_POLICY } from './page.ts';
import renderer from './renderer.json' with { type: 'json' };
import { type OpenApiDocument, withProviders } from './with-providers.ts';

const documents = { service, providers } as unknown as Record<string, OpenApiDocument>;

type Asset = { headers: Record<string, string>; plain: () => string; gzip: string };

const assetOf = (contentType: string, text: string, headers: Record<string, string> = {}): Asset => ({
  headers: { ...headersOf(contentType, createHash('sha256').update(text).digest('base64url')), ...headers },
  plain: () => text,
  gzip: gzipSync(text, { level: 9 }).toString('base64'),
});

const headersOf = (contentType: string, digest: string): Record<string, string> => ({
  'content-type': contentType,
  'cache-control': 'no-cache',
  vary: 'accept-encoding',
  // Weak, because it names both codings.
  etag: `W/"${digest}"`,
});

const RENDERER: Asset = {
  headers: {
    ...headersOf('text/javascript; charset=utf-8', renderer.name),
    'cache-control': 'public, max-age=31536000, immutable',
  },
  plain: () => gunzipSync(Buffer.from(renderer.gzip, 'base64')).toString('utf8'),
  gzip: renderer.gzip,
};

const answer = ({ headers, plain, gzip }: Asset, request: Headers): ApiResponse => {
  if (includesEtag(request['if-none-match'], headers.etag ?? '')) return { statusCode: 304, headers };
  if (!acceptsGzip(request['accept-encoding'])) return { statusCode: 200, headers, text: plain() };
  return { statusCode: 200, headers: { ...headers, 'content-encoding': 'gzip' }, base64: gzip };
};

/**
 * `GET /openapi.json`, `GET /docs` and its renderer, of both APIs. Without stage variables (some emulators) it serves the service API.
 */
export const createHandler = ({ log, catalogue }: { log: Log; catalogue: Offers }) => {
  const apis = new Map(
    Object.entries(documents).map(([api, committed]) => {
      const document = withProviders(committed, catalogue);
      const page = createPage(document.info.title, renderer.name);
      return [
        api,
        {
          document: assetOf('application/json', JSON.stringify(document)),
          page: assetOf('text/html; charset=utf-8', page, { 'content-security-policy': PAGE_POLICY }),
        },
      ];
    }),
  );
  return apiHandler(log, {}, async ({ event, path }) => {
    const api = apis.get(event.stageVariables?.api ?? 'service');
    if (!api || (path.asset !== undefined && path.asset !== renderer.name)) throw new Problem(404, 'Not found.');
    if (path.asset !== undefined) return answer(RENDERER, event.headers);
    return answer(event.rawPath.endsWith('/docs') ? api.page : api.document, event.headers);
  });
};

const config = readSettings(['PROVIDER_CATALOGUE'], process.env);

export const handler = createHandler({ log: createLog('api-docs'), catalogue: readOffers(config.PROVIDER_CATALOGUE) });

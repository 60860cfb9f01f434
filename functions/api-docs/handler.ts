import { readOffers } from '@boomerang/core/adapters/file-offers.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import type { Offers } from '@boomerang/core/domain/catalogue/offers.ts';
import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import providers from '../../docs/openapi/providers.json' with { type: 'json' };
import service from '../../docs/openapi/service.json' with { type: 'json' };
import { type OpenApiDocument, renderDocs } from './render-docs.ts';
import { withProviders } from './with-providers.ts';

const documents = { service, providers } as unknown as Record<string, OpenApiDocument>;

const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  // The page is self-contained: no scripts, no external resources.
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
};

/** `GET /openapi.json` and `GET /docs` of both APIs. Without stage variables (some emulators) it serves the service API. */
export const createHandler = ({ log, catalogue }: { log: Log; catalogue: Offers }) => {
  const answers = new Map(
    Object.entries(documents).map(([api, committed]) => {
      const document = withProviders(committed, catalogue);
      return [api, { document: JSON.stringify(document), page: renderDocs(document) }];
    }),
  );
  return apiHandler(log, {}, async ({ event }) => {
    const { document = '', page = '' } = answers.get(event.stageVariables?.api ?? 'service') ?? {};
    if (event.rawPath.endsWith('/docs')) return { statusCode: 200, headers: PAGE_HEADERS, text: page };
    return { statusCode: 200, text: document };
  });
};

const config = readSettings(['PROVIDER_CATALOGUE'], process.env);

export const handler = createHandler({ log: createLog('api-docs'), catalogue: readOffers(config.PROVIDER_CATALOGUE) });

import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import providers from '../../docs/openapi/providers.json' with { type: 'json' };
import service from '../../docs/openapi/service.json' with { type: 'json' };
import { type OpenApiDocument, renderDocs } from './render-docs.ts';

/** The documents, and their pages, by the API's name. */
const answers = new Map(
  Object.entries({ service, providers }).map(([api, document]) => [
    api,
    { document: JSON.stringify(document), page: renderDocs(document as unknown as OpenApiDocument) },
  ]),
);

const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  // The page is one file: no script, nothing from elsewhere.
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
};

/** `GET /openapi.json` and `GET /docs` of both APIs; the service's, where an engine knows no stage variables. */
export const createHandler = ({ log }: { log: Log }) =>
  apiHandler(log, {}, async ({ event }) => {
    const { document = '', page = '' } = answers.get(event.stageVariables?.api ?? 'service') ?? {};
    if (event.rawPath.endsWith('/docs')) return { statusCode: 200, headers: PAGE_HEADERS, text: page };
    return { statusCode: 200, text: document };
  });

export const handler = createHandler({ log: createLog('api-docs') });

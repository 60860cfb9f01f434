import { readSettings } from '@boomerang/core/config/settings.ts';
import { anyQuery, apiHandler } from '@boomerang/core/http/api-handler.ts';
import { methodNotAllowed, unknownRoute } from '@boomerang/core/http/problem.ts';
import { type ApiName, allowedMethods, isCompleteEnabled, ROUTES } from '@boomerang/core/http/routes.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';

/**
 * `$default` of both APIs: 405 for a known path with another method, 404 for any other path. API Gateway may also send it the
 * preflights of web pages (Developer Guide, "Configuring CORS for an HTTP API with a $default route"). They must be answered
 * 2xx; API Gateway adds the CORS headers, if the API has any.
 *
 * @param isDisabled whether a route of the API is disabled on this stage
 */
export const createHandler = ({ log, isDisabled }: { log: Log; isDisabled: (path: string) => boolean }) =>
  apiHandler(log, { query: anyQuery }, async ({ event: { rawPath, stageVariables, requestContext, headers } }) => {
    if (headers['access-control-request-method'] !== undefined && requestContext.http.method === 'OPTIONS')
      return { statusCode: 204 };
    const methods = isDisabled(rawPath)
      ? []
      : apisOf(stageVariables?.api).flatMap((api) => allowedMethods(api, rawPath));
    if (methods.length === 0) throw unknownRoute();
    throw methodNotAllowed(methods);
  });

/** The API named by the stage variable, or both without stage variables (some emulators). */
const apisOf = (name: string | undefined): ApiName[] => {
  const all = Object.keys(ROUTES) as ApiName[];
  return all.filter((api) => name === undefined || api === name);
};

const config = readSettings(['COMPLETE_UNSIGNED', 'COMPLETE_SECRET_NAME'], process.env);
const hasComplete = isCompleteEnabled(config);

export const handler = createHandler({
  log: createLog('route-fallback'),
  isDisabled: (path) => path === '/complete' && !hasComplete,
});

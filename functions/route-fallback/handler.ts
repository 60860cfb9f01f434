import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { Problem } from '@boomerang/core/http/problem.ts';
import { type ApiName, allowedMethods, ROUTES } from '@boomerang/core/http/routes.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';

/** `$default` of both APIs: 405 for a known path with another method, 404 for any other path. */
export const createHandler = ({ log }: { log: Log }) =>
  apiHandler(log, {}, async ({ event }) => {
    const methods = apisOf(event.stageVariables?.api).flatMap((api) => allowedMethods(api, event.rawPath));
    if (methods.length === 0) throw new Problem(404, 'There is no such route.');
    const allow = methods.join(', ');
    throw new Problem(405, `This route takes ${allow}.`, { headers: { allow } });
  });

/** The API that was asked, by its stage variable; both, where an engine knows no stage variables. */
const apisOf = (name: string | undefined): ApiName[] => {
  const all = Object.keys(ROUTES) as ApiName[];
  return all.filter((api) => name === undefined || api === name);
};

export const handler = createHandler({ log: createLog('route-fallback') });

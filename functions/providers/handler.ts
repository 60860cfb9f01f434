import { setTimeout as sleep } from 'node:timers/promises';
import { readSettings } from '@boomerang/core/config/settings.ts';
import { seededRandom } from '@boomerang/core/domain/random.ts';
import { type ApiLambda, apiHandler } from '@boomerang/core/http/api-handler.ts';
import type { ROUTES } from '@boomerang/core/http/routes.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import { createBillRoutes } from './bill-routes.ts';
import { bills } from './bills.ts';
import { createReportRoutes } from './report-routes.ts';
import { createSimulateFailures, type SimulatedFailureDeps } from './simulate-failures.ts';

export type Deps = SimulatedFailureDeps & {
  log: Log;
  /** The secret of the client `boomerang`, which may order reports. */
  clientSecret: string;
};

/** All routes of this API except its documentation. */
type ProviderRoute = Exclude<
  (typeof ROUTES.providers)[number],
  'GET /openapi.json' | 'GET /docs' | 'GET /docs/{asset}'
>;

const PROVIDER_IDS = [...bills.keys(), 'reports'];

/** Mock providers for trying Boomerang. `GET /providers` lists them; all other routes fail at a configured rate. */
export const createHandler = (deps: Deps): ApiLambda => {
  const { log } = deps;
  const simulateFailures = createSimulateFailures(deps);
  const routes = {
    'GET /providers': apiHandler(log, {}, async () => ({ statusCode: 200, body: PROVIDER_IDS })),
    ...createBillRoutes({ log, simulateFailures }),
    ...createReportRoutes({ ...deps, simulateFailures }),
  } satisfies Record<ProviderRoute, ApiLambda>;
  return (event, context) => routes[event.routeKey as ProviderRoute](event, context);
};

const config = readSettings(
  ['FAILURE_RATE', 'FAILURE_SEED', 'PROVIDER_LATENCY_MS', 'MAINTENANCE_WINDOW', 'REPORTS_CLIENT_SECRET'],
  process.env,
);

export const handler = createHandler({
  log: createLog('providers'),
  random: config.FAILURE_SEED === '' ? Math.random : seededRandom(config.FAILURE_SEED),
  now: Date.now,
  sleep,
  failureRate: config.FAILURE_RATE,
  latencyMs: config.PROVIDER_LATENCY_MS,
  maintenance: config.MAINTENANCE_WINDOW === '' ? undefined : config.MAINTENANCE_WINDOW,
  clientSecret: config.REPORTS_CLIENT_SECRET,
});

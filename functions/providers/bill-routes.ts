import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { methodNotAllowed, Problem } from '@boomerang/core/http/problem.ts';
import { allowedMethods } from '@boomerang/core/http/routes.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import { bills, billsOfAccount } from './bills.ts';
import { pageByCursor, pageByNumber } from './pages.ts';
import { accountQuerySchema, pageQuerySchema } from './schema.ts';
import type { SimulateFailures } from './simulate-failures.ts';

type Deps = { log: Log; simulateFailures: SimulateFailures };

/** Bills: all in one response, in pages by cursor, and in pages by `Link` (RFC 8288). */
export const createBillRoutes = ({ log, simulateFailures }: Deps) => ({
  'GET /providers/{providerId}': apiHandler(log, {}, async ({ path: { providerId = '' }, event: { rawPath } }) => {
    const methods = allowedMethods('providers', rawPath);
    // API Gateway also routes GET `/providers/token` and `/providers/reports` here: their own routes are POST only.
    if (methods.length > 0 && !methods.includes('GET')) throw methodNotAllowed(methods);
    const data = bills.get(providerId);
    if (!data) throw new Problem(404, 'Unknown provider.');
    return simulateFailures(() => ({ statusCode: 200, body: data }));
  }),

  'GET /providers/gas/accounts/{account}/bills': apiHandler(
    log,
    { query: accountQuerySchema },
    async ({ path: { account = '' }, query }) => {
      const all = billsOfAccount(account);
      if (!all) throw new Problem(404, 'Unknown account.');
      const page = pageByCursor(all, query);
      if (!page) throw new Problem(400, 'The cursor must come from an earlier page.');
      return simulateFailures(() => ({ statusCode: 200, body: page }));
    },
  ),

  'GET /providers/internet/bills': apiHandler(log, { query: pageQuerySchema }, async ({ query: { page } }) => {
    const { data, hasNext } = pageByNumber(bills.get('internet') ?? [], page);
    // A relative URL works behind any path prefix.
    const headers = hasNext ? { link: `<?page=${page + 1}>; rel="next"` } : {};
    return simulateFailures(() => ({ statusCode: 200, headers, body: data }));
  }),
});

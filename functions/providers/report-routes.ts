import { type ApiResponse, apiHandler } from '@boomerang/core/http/api-handler.ts';
import { Problem } from '@boomerang/core/http/problem.ts';
import type { Log } from '@boomerang/core/observability/logger.ts';
import * as z from 'zod';
import { isPending, newReportId, RETRY_AFTER_SECONDS, readReportId, reportAt } from './reports.ts';
import { reportOrderHeadersSchema, reportOrderSchema } from './schema.ts';
import type { SimulateFailures } from './simulate-failures.ts';
import { findTokenError, SCOPE, type TokenError } from './token-request.ts';
import { issueToken, requireToken, TOKEN_SECONDS } from './tokens.ts';

type Deps = {
  log: Log;
  simulateFailures: SimulateFailures;
  now: () => number;
  /** The secret of the only client. It also signs tokens and ids. */
  clientSecret: string;
};

const RETRY_AFTER = { 'retry-after': String(RETRY_AFTER_SECONDS) };

/** Reports on tax ids: a client gets an access token, orders a report, and polls it until it is done. */
export const createReportRoutes = ({ log, simulateFailures, now, clientSecret }: Deps) => {
  const authenticate = async (authorization: string | undefined) => requireToken(clientSecret, authorization, now());
  return {
    'POST /providers/token': apiHandler(
      log,
      { bodyType: 'form', body: z.instanceof(URLSearchParams) },
      async ({ body: form, event }) => {
        const error = findTokenError(clientSecret, { authorization: event.headers.authorization, form });
        return error === undefined ? simulateFailures(() => grant(clientSecret, now())) : refuse(error);
      },
    ),

    'POST /providers/reports': apiHandler(
      log,
      { authenticate, body: reportOrderSchema, headers: reportOrderHeadersSchema },
      async ({ body: { taxId }, headers: { 'idempotency-key': idempotencyKey = '' } }) => {
        if (idempotencyKey === '') throw new Problem(400, 'The header idempotency-key is required.');
        return simulateFailures(() => {
          const id = newReportId(clientSecret, { taxId, idempotencyKey }, now());
          const headers = { ...RETRY_AFTER, location: `/providers/reports/${id}` };
          return { statusCode: 202, headers, body: { id, status: 'QUEUED' } };
        });
      },
    ),

    'GET /providers/reports/{reportId}': apiHandler(log, { authenticate }, async ({ path: { reportId = '' } }) => {
      const ordered = readReportId(clientSecret, reportId);
      if (!ordered) throw new Problem(404, 'Unknown report.');
      return simulateFailures(() => {
        const report = reportAt(ordered, now());
        return { statusCode: 200, headers: isPending(report) ? RETRY_AFTER : {}, body: report };
      });
    }),
  };
};

/** The response with a token (RFC 6749 §5.1). Every response of this API already has `cache-control: no-store`. */
const grant = (clientSecret: string, now: number): ApiResponse => ({
  statusCode: 200,
  headers: { pragma: 'no-cache' },
  body: {
    access_token: issueToken(clientSecret, now),
    token_type: 'Bearer',
    expires_in: TOKEN_SECONDS,
    scope: SCOPE,
  },
});

/** The response to an invalid token request (RFC 6749 §5.2). */
const refuse = (error: TokenError): ApiResponse =>
  error === 'invalid_client'
    ? { statusCode: 401, headers: { 'www-authenticate': 'Basic realm="reports"' }, body: { error } }
    : { statusCode: 400, body: { error } };

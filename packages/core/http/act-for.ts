import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as z from 'zod';
import type { Log } from '../observability/logger.ts';
import type { Caller } from '../ports/clients.ts';
import { jobIdSchema } from './job-fields.ts';
import { invalid, Problem } from './problem.ts';

/** The query parameter by which an operator acts for a client. */
export const ACTS_FOR = 'clientId';

/** A UUID, or the id of the embedded cloud's own client. */
export const clientIdSchema = z.string().regex(/^[A-Za-z0-9-]{1,36}$/, 'Must be a client id');

/**
 * The client that a request acts for: the caller, or the client that an operator names in the query. Other callers are
 * refused whatever the id is, so that they can't probe for clients. The client is not looked up: an unknown one has no jobs.
 *
 * @returns the caller with the client's id; name and rate stay those of the operator
 * @throws Problem 403 or 422
 */
export const actFor = (log: Pick<Log, 'info'>, caller: Caller, event: APIGatewayProxyEventV2): Caller => {
  const named = event.queryStringParameters?.[ACTS_FOR];
  if (named === undefined) return caller;
  if (!caller.isOperator) throw new Problem(403, `Only operators may use ${ACTS_FOR}.`);
  const { success, data: clientId, error } = clientIdSchema.safeParse(named);
  if (!success) throw invalid([{ pointer: `/${ACTS_FOR}`, message: error.issues[0]?.message ?? 'Invalid' }]);
  if (clientId !== caller.clientId) {
    const target = { ...idIn(event, 'jobId'), ...idIn(event, 'redriveId') };
    log.info('Operator acted for client', { operatorId: caller.clientId, clientId, route: event.routeKey, ...target });
  }
  return { ...caller, clientId };
};

/** An id in the path, if it is valid: no other text that a caller sends is logged. */
const idIn = (event: APIGatewayProxyEventV2, name: 'jobId' | 'redriveId'): Partial<Record<typeof name, string>> => {
  const { success, data } = jobIdSchema.safeParse(event.pathParameters?.[name]);
  return success ? { [name]: data } : {};
};

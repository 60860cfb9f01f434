import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';

/** `GET /health`: whether the API answers. It asks nobody else, so that it can be asked often. */
export const createHandler = ({ log }: { log: Log }) =>
  apiHandler(log, {}, async () => ({ statusCode: 200, body: { status: 'ok' } }));

export const handler = createHandler({ log: createLog('health') });

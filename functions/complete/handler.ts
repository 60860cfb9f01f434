import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import { callbackSchema } from './schema.ts';

/** Larger than what other routes take, because callbacks are; what Lambda can take and echo, less some room. */
const MAX_CALLBACK_BYTES = 5 * 1024 * 1024;

/** `POST /complete`: a receiver of callbacks to test with. It echoes what it got, text for text. */
export const createHandler = ({ log }: { log: Log }) =>
  apiHandler(log, { body: callbackSchema, maxBodyBytes: MAX_CALLBACK_BYTES }, async ({ body, bodyText }) => {
    log.info('Received a callback', { jobId: body.jobId, entries: body.data.length });
    return { statusCode: 200, text: `{"message":${bodyText}}` };
  });

export const handler = createHandler({ log: createLog('complete') });

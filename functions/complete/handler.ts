import { SSMClient } from '@aws-sdk/client-ssm';
import { CALL_LIMITS, timeLimited } from '@boomerang/core/adapters/aws-clients.ts';
import { createFindSecret } from '@boomerang/core/adapters/secrets.ts';
import { apiHandler, type Headers } from '@boomerang/core/http/api-handler.ts';
import { callbackSchema } from '@boomerang/core/http/callback-schema.ts';
import { Problem } from '@boomerang/core/http/problem.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import { isSigned } from '@boomerang/core/security/signature.ts';
import { config } from './config.ts';

/** Larger than what other routes take, because callbacks are; what Lambda can take and echo, less some room. */
const MAX_CALLBACK_BYTES = 5 * 1024 * 1024;

export type Deps = {
  log: Log;
  /** The secret that callbacks have to be signed with; undefined where none is set. */
  findSecret: () => Promise<string | undefined>;
};

/** `POST /complete`: a receiver of callbacks to test with. It echoes what it got, text for text. */
export const createHandler = ({ log, findSecret }: Deps) => {
  const verify = async (bodyText: string, headers: Headers): Promise<void> => {
    const secret = await findSecret();
    if (secret === undefined || isSigned(secret, headers, bodyText)) return;
    const detail = 'The callback is not signed with the secret of this receiver, or too long ago.';
    throw new Problem(401, detail, { headers: { 'www-authenticate': 'StandardWebhooks' } });
  };
  const route = { body: callbackSchema, maxBodyBytes: MAX_CALLBACK_BYTES, verify };
  return apiHandler(log, route, async ({ body, bodyText }) => {
    log.info('Received a callback', { jobId: body.jobId, entries: body.data.length });
    return { statusCode: 200, text: `{"message":${bodyText}}` };
  });
};

const findByName = createFindSecret(new SSMClient(timeLimited(CALL_LIMITS.secrets)), config.SECRETS_PATH, process.env);

export const handler = createHandler({
  log: createLog('complete'),
  findSecret: async () => (config.COMPLETE_SECRET_NAME === '' ? undefined : findByName(config.COMPLETE_SECRET_NAME)),
});

import { SSMClient } from '@aws-sdk/client-ssm';
import { CALL_LIMITS, createAwsClient } from '@boomerang/core/adapters/aws-clients.ts';
import { createFindSecret } from '@boomerang/core/adapters/secrets.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import { anyQuery, apiHandler, type Headers } from '@boomerang/core/http/api-handler.ts';
import { callbackSchema } from '@boomerang/core/http/callback-schema.ts';
import { Unauthorized, unknownRoute } from '@boomerang/core/http/problem.ts';
import { isCompleteEnabled } from '@boomerang/core/http/routes.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import { isSigned } from '@boomerang/core/security/signature.ts';

/** Larger than the limit of other routes because callbacks are larger (docs/decisions/0005). */
const MAX_CALLBACK_BYTES = 1024 * 1024;

export type Deps = {
  log: Log;
  /** Whether the route is enabled. */
  isEnabled: boolean;
  /** The secret that callbacks must be signed with; undefined if none is configured. */
  findSecret: () => Promise<string | undefined>;
};

/** `POST /complete`: a callback receiver for tests. It echoes the body unchanged. */
export const createHandler = ({ log, isEnabled, findSecret }: Deps) => {
  if (!isEnabled) {
    return apiHandler(log, { query: anyQuery }, async () => {
      throw unknownRoute();
    });
  }
  const verify = async (bodyText: string, headers: Headers): Promise<void> => {
    const secret = await findSecret();
    if (secret === undefined || isSigned(secret, headers, bodyText)) return;
    const detail = "The signature does not match this receiver's secret, or its timestamp is too old.";
    throw new Unauthorized('bad_signature', detail, 'StandardWebhooks');
  };
  const route = { body: callbackSchema, maxBodyBytes: MAX_CALLBACK_BYTES, verify };
  return apiHandler(log, route, async ({ body, bodyText }) => {
    log.info('Callback received', { jobId: body.jobId, entries: body.data.length });
    return { statusCode: 200, text: `{"message":${bodyText}}` };
  });
};

const config = readSettings(['SECRETS_PATH', 'COMPLETE_SECRET_NAME', 'COMPLETE_UNSIGNED'], process.env);
const findByName = createFindSecret(createAwsClient(SSMClient, CALL_LIMITS.secrets), config.SECRETS_PATH, process.env);

export const handler = createHandler({
  log: createLog('complete'),
  isEnabled: isCompleteEnabled(config),
  findSecret: async () => (config.COMPLETE_SECRET_NAME === '' ? undefined : findByName(config.COMPLETE_SECRET_NAME)),
});

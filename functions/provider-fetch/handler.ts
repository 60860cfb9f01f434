import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SSMClient } from '@aws-sdk/client-ssm';
import { createDynamoResultWriter } from '@boomerang/core/adapters/dynamo/result-store.ts';
import { readCatalogue } from '@boomerang/core/adapters/file-catalogue.ts';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import { createFindSecret } from '@boomerang/core/adapters/secrets.ts';
import { resultLifeMs } from '@boomerang/core/config/policy.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { config } from './config.ts';
import { type FetchProviderDeps, fetchProvider } from './fetch-provider.ts';
import { fetchRequestSchema } from './schema.ts';

/** The task `FetchProvider`. */
export const createHandler = (deps: FetchProviderDeps) => async (event: unknown) =>
  fetchProvider(deps, fetchRequestSchema.parse(event));

export const handler = createHandler({
  catalogue: readCatalogue(config.PROVIDER_CATALOGUE, { PROVIDERS_API_URL: config.PROVIDERS_API_URL }),
  send: createNodeHttp(),
  findSecret: createFindSecret(new SSMClient(), config.SECRETS_PATH, process.env),
  results: createDynamoResultWriter({ client: new DynamoDBClient(), tableName: config.JOB_TABLE_NAME }),
  resultLifeMs: resultLifeMs(config),
  now: Date.now,
  log: createLog('provider-fetch'),
});

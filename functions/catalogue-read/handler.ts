import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CALL_LIMITS, createAwsClient } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoCircuitReader, createDynamoTallies } from '@boomerang/core/adapters/dynamo/circuits.ts';
import { createDynamoFindCaller } from '@boomerang/core/adapters/dynamo/clients.ts';
import { readOffers } from '@boomerang/core/adapters/file-offers.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import { type Offers, publicSchemaOf } from '@boomerang/core/domain/catalogue/offers.ts';
import { apiHandler } from '@boomerang/core/http/api-handler.ts';
import { type Authenticate, createAuthenticate } from '@boomerang/core/http/authenticate.ts';
import { createLog, type Log } from '@boomerang/core/observability/logger.ts';
import { type CircuitOf, createReadCircuits } from './read-circuits.ts';
import type { OfferedProvider } from './schema.ts';

export type Deps = {
  authenticate: Authenticate;
  catalogue: Offers;
  readCircuits: () => Promise<CircuitOf>;
  log: Log;
};

/** `GET /catalogue`: the providers and parameters that jobs may use. URLs and credentials are never returned. */
export const createHandler = ({ authenticate, catalogue, readCircuits, log }: Deps) =>
  apiHandler(log, { authenticate }, async () => {
    const circuitOf = await readCircuits();
    const providers = [...catalogue.values()].map(
      ({ id, title, description, parameters }): OfferedProvider => ({
        id,
        ...(title !== undefined && { title }),
        ...(description !== undefined && { description }),
        ...(parameters && { parameters: publicSchemaOf(parameters) }),
        ...circuitOf(id),
      }),
    );
    return { statusCode: 200, body: { providers } };
  });

const config = readSettings(
  ['JOB_TABLE_NAME', 'CLIENT_TABLE_NAME', 'PROVIDER_CATALOGUE', 'BREAKER_WINDOW_SECONDS'],
  process.env,
);
const client = createAwsClient(DynamoDBClient, CALL_LIMITS.api);
const log = createLog('catalogue-read');
const table = { client, tableName: config.JOB_TABLE_NAME };

export const handler = createHandler({
  authenticate: createAuthenticate(createDynamoFindCaller({ client, tableName: config.CLIENT_TABLE_NAME })),
  catalogue: readOffers(config.PROVIDER_CATALOGUE),
  readCircuits: createReadCircuits({
    circuits: createDynamoCircuitReader(table),
    tallies: createDynamoTallies(table),
    rules: { windowMs: config.BREAKER_WINDOW_SECONDS * 1000 },
    now: Date.now,
    log,
  }),
  log,
});

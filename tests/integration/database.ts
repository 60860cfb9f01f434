import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CALL_LIMITS } from '@boomerang/core/adapters/aws-clients.ts';
import { ensureTables } from '../../local/dynamodb.ts';
import { openStore } from '../../local/dynamodb-store.ts';
import { listen } from '../../local/http-server.ts';
import { inProcessClients } from '../../local/in-process-clients.ts';
import { rejected, type Service } from '../../local/service.ts';
import { readTemplate } from '../../local/template.ts';

export type Tables = {
  client: DynamoDBClient;
  /** Accesses the same tables without HTTP. With `DYNAMODB_URL` it is the same as `client`. */
  inProcess: DynamoDBClient;
  url: string;
  close: () => Promise<void>;
};

/** Starts an in-memory database, or uses the one at `DYNAMODB_URL`, and creates the template's tables. */
export const startTables = async (): Promise<Tables> => {
  const { DYNAMODB_URL: url } = process.env;
  const store = await openStore();
  const database = url ? { url, close: async () => {} } : await serveUnsigned(store.service);
  // A shared database has separate tables for each access key.
  const credentials = { accessKeyId: randomBytes(10).toString('hex'), secretAccessKey: 'local' };
  const config = { endpoint: database.url, region: 'us-east-1', credentials };
  const client = new DynamoDBClient(config);
  await ensureTables(client, readTemplate('template.yaml'));
  const none: Service = async () => rejected('UnknownOperationException');
  const decorate = inProcessClients({ database: store.service, stepFunctions: none, eventBus: none });
  return {
    client,
    inProcess: url ? client : decorate(new DynamoDBClient(config), CALL_LIMITS.api),
    url: database.url,
    close: async () => {
      client.destroy();
      await database.close();
      await store.close();
    },
  };
};

/** Rows of `describe.each` for the client without HTTP; none with `DYNAMODB_URL`. */
export const inProcessRows = <Row>(...rows: Row[]): Row[] => (process.env.DYNAMODB_URL ? [] : rows);

/** Serves a database without checking credentials, because functions under test have their own. */
const serveUnsigned = (service: Service) =>
  listen(
    createServer((request, response) => {
      const [, operation = ''] = String(request.headers['x-amz-target']).split('.');
      void text(request).then(async (body) => {
        const answer = await service(operation, body);
        response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' }).end(answer.body);
      });
    }),
    0,
  );

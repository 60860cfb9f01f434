import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { ensureTables } from '../../local/dynamodb.ts';
import { listen } from '../../local/http-server.ts';
import { readTemplate } from '../../local/template.ts';

/** Starts an in-memory database, or uses the one at `DYNAMODB_URL`, and creates the template's tables. */
export const startTables = async (): Promise<{
  client: DynamoDBClient;
  url: string;
  close: () => Promise<void>;
}> => {
  const { DYNAMODB_URL: url } = process.env;
  const database = url ? { url, close: async () => {} } : await listen(dynalite({ createTableMs: 0 }), 0);
  // A shared database has separate tables for each access key.
  const credentials = { accessKeyId: randomBytes(10).toString('hex'), secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint: database.url, region: 'us-east-1', credentials });
  await ensureTables(client, readTemplate('template.yaml'));
  return {
    client,
    url: database.url,
    close: async () => {
      client.destroy();
      await database.close();
    },
  };
};

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { ensureTables } from '../../local/dynamodb.ts';
import { listen } from '../../local/http-server.ts';
import { readTemplate } from '../../local/template.ts';

/** A database in memory, with the template's tables. */
export const startTables = async (): Promise<{ client: DynamoDBClient; close: () => Promise<void> }> => {
  const database = await listen(dynalite({ createTableMs: 0 }), 0);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint: database.url, region: 'us-east-1', credentials });
  await ensureTables(client, readTemplate('template.yaml'));
  return {
    client,
    close: async () => {
      client.destroy();
      await database.close();
    },
  };
};

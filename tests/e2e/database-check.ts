import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type AttributeValue, DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { newAccess } from '../../local/access.ts';
import { openStore, serveStore } from '../../local/dynamodb-store.ts';
import { listen } from '../../local/http-server.ts';

type Item = Record<string, AttributeValue>;

const INDEXES = {
  DueIndex: 'dueShard',
  JobIndex: 'clientShard',
  ClientIndex: 'clientShard',
  UndeliveredIndex: 'undeliveredShard',
};

/**
 * Checks the data folder of a killed process: compares each index of a copy with the items.
 * @returns every difference
 */
export const findDisagreements = async (folder: string): Promise<string[]> => {
  const copy = path.join(mkdtempSync(path.join(tmpdir(), 'boomerang-check-')), 'dynamodb');
  cpSync(path.join(folder, 'dynamodb'), copy, { recursive: true });
  const store = await openStore(copy);
  const credentials = newAccess();
  const { url, close } = await listen(createServer(serveStore(store.service, credentials)), 0);
  const client = new DynamoDBClient({ endpoint: url, region: 'us-east-1', credentials });
  const scan = async (IndexName?: string): Promise<Item[]> => {
    const items: Item[] = [];
    for await (const page of paginateScan({ client }, { TableName: 'JobTable', ...(IndexName && { IndexName }) })) {
      items.push(...(page.Items ?? []));
    }
    return items;
  };

  const found: string[] = [];
  const jobs = (await scan()).filter((item) => item.itemId?.S === 'JOB');
  for (const [index, key] of Object.entries(INDEXES)) {
    const all = await scan(index);
    const entries = new Map(all.map((entry) => [entry.jobId?.S, entry]));
    const expected = jobs.filter((job) => job[key] !== undefined);
    // Compare counts first: a stale entry may share its job with a valid one.
    if (all.length !== expected.length) found.push(`${index}: ${all.length} entries for ${expected.length} jobs`);
    for (const job of expected) {
      const entry = entries.get(job.jobId?.S ?? '');
      if (!entry) found.push(`${index}: ${job.jobId?.S} is missing`);
      for (const [name, value] of Object.entries(entry ?? {})) {
        if (JSON.stringify(value) !== JSON.stringify(job[name]))
          found.push(`${index}: ${job.jobId?.S} differs in ${name}`);
      }
    }
  }
  client.destroy();
  await close();
  await store.close();
  rmSync(path.dirname(copy), { recursive: true });
  return found;
};

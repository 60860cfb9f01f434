import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Sweeps } from '../../ports/sweeps.ts';
import { type Item, type JobTable, toItem } from './table.ts';

/** One item, beside the jobs: its `itemId` is neither a job's nor a result's, so that the audit passes it over. */
const LAST_SWEEP: Item = { jobId: { S: 'SWEEP' }, itemId: { S: 'LAST' } };

/** Writing and reading are apart: each function holds the calls that it makes, and no right to others. */
export const createDynamoSweepRecorder =
  ({ client, tableName }: JobTable): Sweeps['record'] =>
  async (now, isPaused) => {
    await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: LAST_SWEEP,
        UpdateExpression: `SET sweptAt = :now${isPaused ? ', pausedAt = :now' : ''}`,
        ExpressionAttributeValues: toItem({ ':now': now }),
      }),
    );
  };

const readTime = async ({ client, tableName }: JobTable, name: 'sweptAt' | 'pausedAt'): Promise<number | undefined> => {
  const { Item } = await client.send(new GetItemCommand({ TableName: tableName, Key: LAST_SWEEP }));
  const time = Item?.[name]?.N;
  return time === undefined ? undefined : Number(time);
};

export const createDynamoLastSweep =
  (table: JobTable): Sweeps['last'] =>
  async () =>
    readTime(table, 'sweptAt');

export const createDynamoLastPause =
  (table: JobTable): Sweeps['lastPause'] =>
  async () =>
    readTime(table, 'pausedAt');

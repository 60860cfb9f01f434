import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Sweeps } from '../../ports/sweeps.ts';
import { type Item, type JobTable, toItem } from './table.ts';

/** A single item in the job table. The audit skips its `itemId`, which is neither a job's nor a result's. */
const LAST_SWEEP: Item = { jobId: { S: 'SWEEP' }, itemId: { S: 'LAST' } };

/** Separate from the readers, so that each function has only the permissions it needs. */
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

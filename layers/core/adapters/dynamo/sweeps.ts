import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Sweeps } from '../../ports/sweeps.ts';
import { type Item, type JobTable, toItem } from './table.ts';

/** One item, beside the jobs: its `itemId` is neither a job's nor a result's, so that the audit passes it over. */
const LAST_SWEEP: Item = { jobId: { S: 'SWEEP' }, itemId: { S: 'LAST' } };

/** Writing and reading are apart: each function holds the calls that it makes, and no right to others. */
export const createDynamoSweepRecorder =
  ({ client, tableName }: JobTable): Sweeps['record'] =>
  async (now) => {
    await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: LAST_SWEEP,
        UpdateExpression: 'SET sweptAt = :now',
        ExpressionAttributeValues: toItem({ ':now': now }),
      }),
    );
  };

export const createDynamoLastSweep =
  ({ client, tableName }: JobTable): Sweeps['last'] =>
  async () => {
    const { Item } = await client.send(new GetItemCommand({ TableName: tableName, Key: LAST_SWEEP }));
    return Item?.sweptAt?.N === undefined ? undefined : Number(Item.sweptAt.N);
  };

import { paginateScan } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Job, ProviderResult } from '../../domain/job.ts';
import { DUE_INDEX, INPUT_ATTRIBUTES, JOB_ITEM_ID, type JobTable, parseStoredInput, projectionOf } from './table.ts';

/** The outstanding fetches of a pending job, with their parameters. */
export type PendingInput = Pick<Job, 'jobId' | 'phase' | 'providers' | 'parameters'> & { results: ProviderResult[] };

const ATTRIBUTES = ['jobId', 'phase', 'results', ...INPUT_ATTRIBUTES.filter((name) => name !== 'metadata')];
const PROJECTION = projectionOf(ATTRIBUTES);

/**
 * Reads every pending job, for operators; no function has the permission. Scans the whole table, because the index of due jobs
 * ({@link DUE_INDEX}) does not project parameters.
 */
export const readPendingJobs = async function* ({
  client,
  tableName: TableName,
}: JobTable): AsyncGenerator<PendingInput> {
  const query = {
    TableName,
    ProjectionExpression: PROJECTION.ProjectionExpression,
    FilterExpression: 'itemId = :job AND #status = :pending',
    ExpressionAttributeNames: { ...PROJECTION.ExpressionAttributeNames, '#status': 'status' },
    ExpressionAttributeValues: { ':job': { S: JOB_ITEM_ID }, ':pending': { S: 'PENDING' } },
  };
  for await (const { Items = [] } of paginateScan({ client }, query)) {
    for (const item of Items) yield parseStoredInput(unmarshall(item)) as PendingInput;
  }
};

import { paginateQuery, paginateScan } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { AuditedJob } from '../../domain/audit.ts';
import { JOB_ITEM_ID, type JobTable, projectionOf, RESULT_PREFIX, toItem } from './table.ts';

/** The attributes read of each item. Collected data is not read. */
const ATTRIBUTES = [
  'jobId',
  'itemId',
  'status',
  'phase',
  'updatedAt',
  'dueShard',
  'dueAt',
  'leasedUntil',
  'expiresAt',
  'expungedAt',
  'callbackAttempts',
  'undeliveredShard',
  'results',
  'providers',
  'parameters',
  'metadata',
  'providerId',
];
const PROJECTION = projectionOf(ATTRIBUTES);

type Row = NonNullable<AuditedJob['job']> & { jobId: string; itemId: string; providerId?: string };

/** Whether an item is a job or one of its results. Other items are circuits, limits and redrives. */
const isOfJob = ({ itemId }: Row): boolean => itemId === JOB_ITEM_ID || itemId.startsWith(RESULT_PREFIX);

const toAudited = (jobId: string, rows: Row[]): AuditedJob => {
  const job = rows.find(({ itemId }) => itemId === JOB_ITEM_ID);
  const results = rows.filter(({ itemId }) => itemId !== JOB_ITEM_ID);
  return {
    jobId,
    ...(job && { job }),
    kept: results.flatMap(({ providerId }) => providerId ?? []),
    keptUntil: Math.max(0, ...results.map(({ expiresAt = 0 }) => expiresAt)),
  };
};

/** Reads the whole job table, for operators; no function has the permission. */
export const createDynamoJobAudit = ({ client, tableName: TableName }: JobTable) => {
  /** One job with its results, read consistently. */
  const read = async (jobId: string): Promise<AuditedJob> => {
    const rows: Row[] = [];
    const query = {
      TableName,
      ConsistentRead: true,
      ...PROJECTION,
      KeyConditionExpression: 'jobId = :jobId',
      ExpressionAttributeValues: toItem({ ':jobId': jobId }),
    };
    for await (const { Items = [] } of paginateQuery({ client }, query)) {
      rows.push(...Items.map((item) => unmarshall(item) as Row));
    }
    return toAudited(jobId, rows.filter(isOfJob));
  };

  return {
    read,
    /** Every job, page by page. A scan returns the items of a key together, so only the last job of a page may be incomplete. */
    readAll: async function* (): AsyncGenerator<{ jobs: AuditedJob[]; items: number }> {
      let incomplete: Row[] = [];
      for await (const { Items = [] } of paginateScan({ client }, { TableName, ...PROJECTION })) {
        const jobs: AuditedJob[] = [];
        for (const row of Items.map((item) => unmarshall(item) as Row)) {
          if (!isOfJob(row)) continue;
          const [first] = incomplete;
          if (first && first.jobId !== row.jobId) {
            jobs.push(toAudited(first.jobId, incomplete));
            incomplete = [];
          }
          incomplete.push(row);
        }
        yield { jobs, items: Items.length };
      }
      const [first] = incomplete;
      if (first) yield { jobs: [toAudited(first.jobId, incomplete)], items: 0 };
    },
  };
};

import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { isUndelivered, jobKey } from '@boomerang/core/adapters/dynamo/table.ts';
import { type Job, newJob } from '@boomerang/core/domain/job.ts';
import { v7 as uuidv7 } from 'uuid';
import type { Instance } from '../../local/instance.ts';
import { clientOf } from '../../local/running.ts';

const HOUR_MS = 3_600_000;
const CONCURRENCY = 32;
const PROVIDERS = [['gas'], ['gas', 'internet'], ['reports'], ['internet'], ['gas', 'reports']];
const RECEIVERS = [
  'https://hooks.shop.example/bills',
  'https://api.acme.example:8443/complete',
  'https://example.com/in',
];

/** A number from 0 to 1 that depends only on the index. */
const pseudoRandom = (index: number): number => Math.abs((Math.sin(index * 12.9898) * 43_758.5453) % 1);

const endOf = (index: number): Pick<Job, 'status' | 'failure'> => {
  const draw = pseudoRandom(index + 7);
  if (draw < 0.012)
    return { status: 'FAILED', failure: { code: 'CALLBACK_GONE', message: 'The receiver answered 410.' } };
  if (draw < 0.03) return { status: 'PARTIAL' };
  if (draw < 0.035) return { status: 'CANCELLED' };
  return { status: 'COMPLETE' };
};

/** Stores ended jobs of the local client, spread unevenly over the last hours. */
export const addHistory = async ({ running }: Instance, count: number, hours: number): Promise<void> => {
  const client = clientOf(running.endpoints.dynamodb, running.access);
  const tableName = running.outputs.JobTableName ?? '';
  const { create } = createDynamoJobIntake({ client, tableName, shardCount: 4 });
  const now = Date.now();
  const insert = async (index: number): Promise<void> => {
    const age = (index + pseudoRandom(index)) / count;
    // The sine makes the number of jobs rise and fall.
    const createdAt = now - Math.round((age + 0.03 * Math.sin(age * 4 * Math.PI)) * hours * HOUR_MS) - 60_000;
    const endedAt = createdAt + 180 + Math.round(pseudoRandom(index + 3) ** 6 * 40_000);
    const {
      dueAt: _,
      leasedUntil: __,
      ...job
    } = newJob({
      jobId: uuidv7({ msecs: createdAt }),
      clientId: 'local',
      providers: PROVIDERS[index % PROVIDERS.length] ?? [],
      callbackUrl: RECEIVERS[index % RECEIVERS.length] ?? '',
      now: createdAt,
      leaseMs: 360_000,
      fetchDeadlineMs: 86_400_000,
    });
    const ended: Job = {
      ...job,
      ...endOf(index),
      updatedAt: endedAt,
      endedAt,
      expiresAt: Math.round(now / 1000) + 86_400,
    };
    await create(ended, { requestId: job.jobId, requestHash: '' }, createdAt);
    if (!isUndelivered(ended.status)) return;
    const UpdateExpression = 'SET undeliveredShard = clientShard';
    await client.send(new UpdateItemCommand({ TableName: tableName, Key: jobKey(job.jobId), UpdateExpression }));
  };
  for (let started = 0; started < count; started += CONCURRENCY)
    await Promise.all(
      Array.from({ length: Math.min(CONCURRENCY, count - started) }, (_, index) => insert(started + index)),
    );
  client.destroy();
};

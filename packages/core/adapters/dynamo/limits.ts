import {
  ProvisionedThroughputExceededException,
  QueryCommand,
  RequestLimitExceeded,
  ThrottlingException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Random } from '../../domain/random.ts';
import { toEpochSeconds } from '../../domain/ttl.ts';
import type { Limits, Slot } from '../../ports/limits.ts';
import { isWritten, type JobTable, toItem } from './table.ts';

/** How long counters and slots are kept after their last use. */
const RETENTION_MS = 3_600_000;

const THROTTLING_ERRORS = [ProvisionedThroughputExceededException, ThrottlingException, RequestLimitExceeded];

/** Treats a throttled key like an exhausted limit: callers retry in the next second. */
const unlessThrottled = async <T>(request: Promise<T>, otherwise: T): Promise<T> => {
  try {
    return await request;
  } catch (error) {
    if (THROTTLING_ERRORS.some((throttled) => error instanceof throttled)) return otherwise;
    throw error;
  }
};

export const createDynamoLimits = ({ client, tableName: TableName, random }: JobTable & { random: Random }): Limits => {
  const update = async (
    key: { jobId: string; itemId: string },
    UpdateExpression: string,
    ConditionExpression: string,
    values: Record<string, unknown>,
  ): Promise<boolean> => {
    const expressions = { UpdateExpression, ConditionExpression, ExpressionAttributeValues: toItem(values) };
    const written = isWritten(client.send(new UpdateItemCommand({ TableName, Key: toItem(key), ...expressions })));
    return unlessThrottled(written, false);
  };
  const slotsKey = (key: string): string => `SLOTS#${key}`;
  const slotKey = (key: string, number: number) => ({ jobId: slotsKey(key), itemId: `SLOT#${number}` });

  return {
    reserveCall: (key, part, second, limit) =>
      update(
        { jobId: part === 0 ? `RATE#${key}` : `RATE#${key}#${part}`, itemId: `SECOND#${second}` },
        'ADD calls :one SET expiresAt = :expiresAt',
        'attribute_not_exists(calls) OR calls < :limit',
        { ':one': 1, ':limit': limit, ':expiresAt': toEpochSeconds(second * 1000 + RETENTION_MS) },
      ),

    // One page is enough: a provider has at most 1,000 slots, about a tenth of the 1 MB page.
    findFreeSlots: async (key, limit, now) => {
      const query = new QueryCommand({
        TableName,
        KeyConditionExpression: 'jobId = :slots',
        ExpressionAttributeValues: toItem({ ':slots': slotsKey(key) }),
      });
      const found = await unlessThrottled(client.send(query), undefined);
      if (!found) return [];
      const { Items = [] } = found;
      const slots = Items.map((item) => unmarshall(item) as { itemId: string; heldUntil: number });
      const held = new Set(slots.filter(({ heldUntil }) => heldUntil > now).map(({ itemId }) => itemId));
      return Array.from({ length: limit }, (_, number) => number).filter((number) => !held.has(`SLOT#${number}`));
    },

    acquireSlot: async (key, number, now, heldUntil) => {
      const holder = Math.floor(random() * 2 ** 48).toString(36);
      const isAcquired = await update(
        slotKey(key, number),
        'SET heldUntil = :heldUntil, holder = :holder, expiresAt = :expiresAt',
        // The holder matches if the SDK resent this write because its response was lost.
        'attribute_not_exists(heldUntil) OR heldUntil <= :now OR holder = :holder',
        {
          ':heldUntil': heldUntil,
          ':now': now,
          ':holder': holder,
          ':expiresAt': toEpochSeconds(heldUntil + RETENTION_MS),
        },
      );
      return isAcquired ? { key, number, heldUntil, holder } : undefined;
    },

    releaseSlot: async ({ key, number, holder }: Slot) => {
      // After its expiry the slot may have a new holder.
      await update(slotKey(key, number), 'SET heldUntil = :free', 'holder = :holder', {
        ':free': 0,
        ':holder': holder,
      });
    },
  };
};

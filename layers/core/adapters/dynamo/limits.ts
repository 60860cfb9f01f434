import { QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Random } from '../../domain/random.ts';
import type { Limits, Slot } from '../../ports/limits.ts';
import { isWritten, type JobTable, toItem } from './table.ts';

/** How often somebody may be faster at a place that looked free. */
const MAX_TRIES = 3;
/** After this, nobody needs to know. */
const FORGOTTEN_AFTER_SECONDS = 3_600;

export const createDynamoLimits = ({ client, tableName: TableName, random }: JobTable & { random: Random }): Limits => {
  const update = (
    key: { jobId: string; itemId: string },
    UpdateExpression: string,
    ConditionExpression: string,
    values: Record<string, unknown>,
  ): Promise<boolean> => {
    const expressions = { UpdateExpression, ConditionExpression, ExpressionAttributeValues: toItem(values) };
    return isWritten(client.send(new UpdateItemCommand({ TableName, Key: toItem(key), ...expressions })));
  };
  const slotKey = (key: string, number: number) => ({ jobId: `SLOTS#${key}`, itemId: `SLOT#${number}` });

  /** The numbers of the places that are held. */
  const heldSlots = async (key: string, now: number): Promise<Set<number>> => {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'jobId = :slots',
        ExpressionAttributeValues: toItem({ ':slots': `SLOTS#${key}` }),
      }),
    );
    const slots = Items.map((item) => unmarshall(item) as { itemId: string; heldUntil: number });
    const held = slots.filter(({ heldUntil }) => heldUntil > now);
    return new Set(held.map(({ itemId }) => Number(itemId.replace('SLOT#', ''))));
  };

  return {
    takeCalls: (key, second, calls, limit) =>
      update(
        { jobId: `RATE#${key}`, itemId: `SECOND#${second}` },
        'ADD calls :calls SET expiresAt = :expiresAt',
        'attribute_not_exists(calls) OR calls <= :room',
        { ':calls': calls, ':room': limit - calls, ':expiresAt': second + FORGOTTEN_AFTER_SECONDS },
      ),

    takeSlot: async (key, limit, now, heldUntil) => {
      const held = await heldSlots(key, now);
      const free = Array.from({ length: limit }, (_, number) => number).filter((number) => !held.has(number));
      for (let tries = 0; tries < MAX_TRIES && free.length > 0; tries += 1) {
        // By chance, so that many who look at once don't all try the same.
        const [number = 0] = free.splice(Math.floor(random() * free.length), 1);
        const isMine = await update(
          slotKey(key, number),
          'SET heldUntil = :heldUntil, expiresAt = :expiresAt',
          'attribute_not_exists(heldUntil) OR heldUntil <= :now',
          {
            ':heldUntil': heldUntil,
            ':now': now,
            ':expiresAt': Math.ceil(heldUntil / 1000) + FORGOTTEN_AFTER_SECONDS,
          },
        );
        if (isMine) return { key, number, heldUntil };
      }
      return undefined;
    },

    freeSlot: async ({ key, number, heldUntil }: Slot) => {
      // Whose time ran out may find somebody else there: it leaves them alone.
      await update(slotKey(key, number), 'SET heldUntil = :free', 'heldUntil = :mine', {
        ':free': 0,
        ':mine': heldUntil,
      });
    },
  };
};

import { DeleteItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { OpenCircuit, Tally } from '../../domain/circuit.ts';
import type { Circuits } from '../../ports/circuits.ts';
import { type Item, isWritten, type JobTable, toItem } from './table.ts';

/** Open circuits are together under one key, so that one query finds all; there are few, and few writes. */
const OPEN_CIRCUITS = 'CIRCUITS';
/** Counts are apart: they are written at every failure. */
const tallyKey = (key: string, window: number): Item => toItem({ jobId: `TALLY#${key}`, itemId: `WINDOW#${window}` });
const openKey = (key: string): Item => toItem({ jobId: OPEN_CIRCUITS, itemId: key });

/** A circuit that nobody has probed for so long is forgotten: nobody calls there any more. */
const FORGOTTEN_AFTER_SECONDS = 3_600;

const expiresAt = ({ openUntil }: OpenCircuit): number => Math.ceil(openUntil / 1000) + FORGOTTEN_AFTER_SECONDS;

export const createDynamoCircuits = ({ client, tableName: TableName }: JobTable): Circuits => {
  const write = (circuit: OpenCircuit, condition: string, values: Record<string, unknown>) =>
    isWritten(
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: openKey(circuit.key),
          UpdateExpression:
            'SET openUntil = :openUntil, openings = :openings, isProbed = :isProbed, expiresAt = :expiresAt',
          ConditionExpression: condition,
          ExpressionAttributeValues: toItem({
            ':openUntil': circuit.openUntil,
            ':openings': circuit.openings,
            ':isProbed': circuit.isProbed,
            ':expiresAt': expiresAt(circuit),
            ...values,
          }),
        }),
      ),
    );

  return {
    // One page, a megabyte, is some ten thousand of them.
    listOpen: async (now) => {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: 'jobId = :circuits',
          FilterExpression: 'expiresAt > :now',
          ExpressionAttributeValues: toItem({ ':circuits': OPEN_CIRCUITS, ':now': now / 1000 }),
        }),
      );
      return Items.map((item) => {
        const { itemId: key, openUntil, openings, isProbed } = unmarshall(item) as OpenCircuit & { itemId: string };
        return { key, openUntil, openings, isProbed };
      });
    },

    count: async (key, window, { calls, failures }, expires) => {
      const { Attributes = {} } = await client.send(
        new UpdateItemCommand({
          TableName,
          Key: tallyKey(key, window),
          UpdateExpression: 'ADD calls :calls, failures :failures SET expiresAt = :expiresAt',
          ExpressionAttributeValues: toItem({ ':calls': calls, ':failures': failures, ':expiresAt': expires }),
          ReturnValues: 'ALL_NEW',
        }),
      );
      return unmarshall(Attributes) as Tally;
    },

    open: async (circuit, now) =>
      write(circuit, 'attribute_not_exists(jobId) OR expiresAt <= :now', { ':now': now / 1000 }),

    move: async (read, next) => write(next, 'openUntil = :read', { ':read': read.openUntil }),

    close: async ({ key, openUntil }) =>
      isWritten(
        client.send(
          new DeleteItemCommand({
            TableName,
            Key: openKey(key),
            ConditionExpression: 'openUntil = :read',
            ExpressionAttributeValues: toItem({ ':read': openUntil }),
          }),
        ),
      ),
  };
};

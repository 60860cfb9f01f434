import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateScan,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Client } from '../../domain/client.ts';
import { type Caller, type ClientAdmin, type FindCaller, type ListClients, StaleClient } from '../../ports/clients.ts';
import { toItem } from './table.ts';

/** The client table. */
export type ClientTable = { client: DynamoDBClient; tableName: string };

/**
 * Clients by the hash of their API key. The projection excludes signing secrets and callback headers, so that functions that
 * authenticate can't read them.
 */
const CALLER_INDEX = 'CallerIndex';

export const createDynamoFindCaller =
  ({ client, tableName }: ClientTable): FindCaller =>
  async (keyHash) => {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: tableName,
        IndexName: CALLER_INDEX,
        KeyConditionExpression: 'keyHash = :keyHash',
        ExpressionAttributeValues: toItem({ ':keyHash': keyHash }),
      }),
    );
    const [found] = Items.map((item) => unmarshall(item) as Caller & { revokedAt?: number });
    if (!found || found.revokedAt !== undefined) return undefined;
    const { clientId, name, ratePerSecond, isOperator } = found;
    return {
      clientId,
      name,
      ...(ratePerSecond !== undefined && { ratePerSecond }),
      ...(isOperator && { isOperator }),
    };
  };

/** Reads the index, so that the functions that list clients can't read secrets. */
export const createDynamoListClients =
  ({ client, tableName }: ClientTable): ListClients =>
  async () => {
    const clients: Awaited<ReturnType<ListClients>> = [];
    for await (const { Items = [] } of paginateScan({ client }, { TableName: tableName, IndexName: CALLER_INDEX })) {
      for (const item of Items) {
        const { clientId, name, revokedAt, isOperator } = unmarshall(item) as Client;
        clients.push({
          clientId,
          name,
          ...(revokedAt !== undefined && { revokedAt }),
          ...(isOperator && { isOperator }),
        });
      }
    }
    return clients;
  };

export const createDynamoFindClient =
  ({ client, tableName }: ClientTable): ClientAdmin['get'] =>
  async (clientId) => {
    // Consistent, so that a client created a moment ago is found.
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: toItem({ clientId }), ConsistentRead: true }),
    );
    return Item && (unmarshall(Item) as Client);
  };

/** Turns a failed condition into a StaleClient. */
const unlessStale = async (write: Promise<unknown>, message: string): Promise<void> => {
  try {
    await write;
  } catch (cause) {
    if (!(cause instanceof ConditionalCheckFailedException)) throw cause;
    throw new StaleClient(message, { cause });
  }
};

export const createDynamoClientAdmin = ({ client, tableName }: ClientTable): ClientAdmin => ({
  put: async (item) => {
    await client.send(new PutItemCommand({ TableName: tableName, Item: toItem(item) }));
  },

  get: createDynamoFindClient({ client, tableName }),

  list: async () => {
    const clients: Client[] = [];
    for await (const { Items = [] } of paginateScan({ client }, { TableName: tableName, ConsistentRead: true })) {
      clients.push(...Items.map((item) => unmarshall(item) as Client));
    }
    return clients.sort((a, b) => a.createdAt - b.createdAt);
  },

  replaceSecrets: async ({ clientId, secrets: read }, secrets) => {
    const update = new UpdateItemCommand({
      TableName: tableName,
      Key: toItem({ clientId }),
      UpdateExpression: 'SET secrets = :secrets',
      ConditionExpression: 'secrets[0].secret = :read',
      ExpressionAttributeValues: toItem({ ':secrets': secrets, ':read': read[0]?.secret }),
    });
    await unlessStale(client.send(update), `client ${clientId} was changed concurrently`);
  },

  setRate: async (clientId, ratePerSecond) => {
    const isSet = ratePerSecond !== undefined;
    await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: toItem({ clientId }),
        UpdateExpression: isSet ? 'SET ratePerSecond = :rate' : 'REMOVE ratePerSecond',
        ConditionExpression: 'attribute_exists(clientId)',
        ...(isSet && { ExpressionAttributeValues: toItem({ ':rate': ratePerSecond }) }),
      }),
    );
  },

  setCallbackHeaders: async (clientId, headers) => {
    const isSet = headers.length > 0;
    const update = new UpdateItemCommand({
      TableName: tableName,
      Key: toItem({ clientId }),
      UpdateExpression: isSet ? 'SET callbackHeaders = :headers' : 'REMOVE callbackHeaders',
      ConditionExpression: 'attribute_exists(clientId)',
      ...(isSet && { ExpressionAttributeValues: toItem({ ':headers': headers }) }),
    });
    await unlessStale(client.send(update), `client ${clientId} no longer exists`);
  },

  revoke: async (clientId, now) => {
    await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: toItem({ clientId }),
        UpdateExpression: 'SET revokedAt = if_not_exists(revokedAt, :now)',
        ConditionExpression: 'attribute_exists(clientId)',
        ExpressionAttributeValues: toItem({ ':now': now }),
      }),
    );
  },
});

import {
  ConditionalCheckFailedException,
  DescribeTableCommand,
  DynamoDBClient,
  DynamoDBServiceException,
  GetItemCommand,
  ProvisionedThroughputExceededException,
  PutItemCommand,
  paginateQuery,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SFNClient, StartExecutionCommand, StateMachineDoesNotExist } from '@aws-sdk/client-sfn';
import { SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, test } from '@jest/globals';
import { inProcessClients } from '../../local/in-process-clients.ts';
import { type Answer, rejected, type Service, succeeded } from '../../local/service.ts';

/** Short, to keep the tests fast: they prove only that calls end. */
const LIMITS = { attemptMs: 60, totalMs: 200, maxAttempts: 3 };
const CONFIG = {
  region: 'us-east-1',
  endpoint: 'http://127.0.0.1:9',
  credentials: { accessKeyId: '', secretAccessKey: '' },
};
const KEY = { TableName: 'JobTable', Key: { jobId: { S: '1' } } };

const refusing: Service = async () => {
  throw new Error('not called');
};

/** Clients of a service that gives these answers in order and repeats the last one, and the calls that it received. */
const clientsOf = (...answers: (() => Promise<Answer>)[]) => {
  const calls: { operation: string; body: string }[] = [];
  const service: Service = (operation, body) => {
    calls.push({ operation, body });
    return (answers[calls.length - 1] ?? answers.at(-1) ?? refusing)(operation, body);
  };
  const decorate = inProcessClients({ database: service, stepFunctions: service, eventBus: service });
  return {
    calls,
    dynamodb: decorate(new DynamoDBClient({ ...CONFIG, maxAttempts: 1 }), LIMITS),
    stepFunctions: decorate(new SFNClient(CONFIG), LIMITS),
    eventBridge: decorate(new EventBridgeClient(CONFIG), LIMITS),
  };
};

const answers = (output: unknown) => async () => succeeded(output);
const rejects = (type: string, message?: string) => async () => rejected(type, message);
const breaks = (code: string) => async () => Promise.reject(Object.assign(new Error(code), { code }));
const hangs = () => new Promise<never>(() => {});

describe('a command', () => {
  test('is sent as JSON, and its output is a copy', async () => {
    const item = { jobId: { S: '1' }, note: { S: 'a"B":"b' } };
    const { dynamodb, calls } = clientsOf(answers({ Item: item }));
    const output = await dynamodb.send(new GetItemCommand({ ...KEY, ProjectionExpression: undefined }));
    expect(calls).toEqual([{ operation: 'GetItem', body: JSON.stringify(KEY) }]);
    expect(output).toEqual({ Item: item, $metadata: { httpStatusCode: 200 } });
  });

  test('carries bytes in both directions, at every depth', async () => {
    const bytes = (text: string) => new Uint8Array(Buffer.from(text));
    const sent = { gzip: { B: bytes('one') }, m: { M: { B: { BS: [bytes('two')] } } }, l: { L: [{ B: bytes('') }] } };
    const wire = { gzip: { B: 'b25l' }, m: { M: { B: { BS: ['dHdv'] } } }, l: { L: [{ B: '' }] } };
    const { dynamodb, calls } = clientsOf(answers({ Item: wire }));
    await dynamodb.send(new PutItemCommand({ TableName: 'JobTable', Item: sent }));
    expect(JSON.parse(calls[0]?.body ?? '')).toEqual({ TableName: 'JobTable', Item: wire });
    expect((await dynamodb.send(new GetItemCommand(KEY))).Item).toEqual(sent);
  });

  test('can be paged by the SDK', async () => {
    const { dynamodb, calls } = clientsOf(answers({ Items: [], LastEvaluatedKey: KEY.Key }), answers({ Items: [] }));
    for await (const { Items } of paginateQuery({ client: dynamodb }, { TableName: 'JobTable' })) {
      expect(Items).toEqual([]);
    }
    expect(calls.map(({ body }) => JSON.parse(body))).toEqual([
      { TableName: 'JobTable' },
      { TableName: 'JobTable', ExclusiveStartKey: KEY.Key },
    ]);
  });

  test('of an operation that functions do not use goes to the endpoint', async () => {
    const { dynamodb, calls } = clientsOf(answers({}));
    await expect(dynamodb.send(new DescribeTableCommand({ TableName: 'JobTable' }))).rejects.toThrow('ECONNREFUSED');
    expect(calls).toEqual([]);
  });

  test('starts executions and publishes events', async () => {
    const { stepFunctions, calls } = clientsOf(answers({ executionArn: 'arn', startDate: 1.5 }));
    expect(
      await stepFunctions.send(new StartExecutionCommand({ stateMachineArn: 'machine', input: '{}' })),
    ).toMatchObject({
      executionArn: 'arn',
      startDate: new Date(1_500),
    });
    expect(calls).toEqual([{ operation: 'StartExecution', body: '{"stateMachineArn":"machine","input":"{}"}' }]);
    const { eventBridge } = clientsOf(answers({ FailedEntryCount: 0 }));
    expect(await eventBridge.send(new PutEventsCommand({ Entries: [] }))).toMatchObject({ FailedEntryCount: 0 });
  });
});

test('a client of another service is left unchanged', () => {
  const client = new SSMClient(CONFIG);
  const { send } = client;
  const services = { database: refusing, stepFunctions: refusing, eventBus: refusing };
  expect(inProcessClients(services)(client, LIMITS).send).toBe(send);
});

describe('a rejected call', () => {
  const prefix = 'com.amazonaws.dynamodb.v20120810#';

  test.each([
    [`${prefix}ConditionalCheckFailedException`, ConditionalCheckFailedException],
    [`${prefix}ResourceNotFoundException`, ResourceNotFoundException],
  ])('throws the class of the SDK: %s', async (type, Class) => {
    const { dynamodb, calls } = clientsOf(rejects(type, 'no'));
    const error = await dynamodb.send(new GetItemCommand(KEY)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Class);
    expect(error).toMatchObject({ name: Class.name, message: 'no', $fault: 'client' });
    expect(error).toMatchObject({ $metadata: { httpStatusCode: 400, attempts: 1 } });
    expect(calls).toHaveLength(1);
  });

  test('keeps other members of the error', async () => {
    const { dynamodb } = clientsOf(async () => ({
      status: 400,
      body: JSON.stringify({ __type: `${prefix}ConditionalCheckFailedException`, Message: 'no', Item: KEY.Key }),
    }));
    await expect(dynamodb.send(new GetItemCommand(KEY))).rejects.toMatchObject({ message: 'no', Item: KEY.Key });
  });

  test('throws the base class, with the name of the error, if the SDK has no class for it', async () => {
    const { dynamodb } = clientsOf(rejects('com.amazon.coral.validate#ValidationException', 'no'));
    const error = await dynamodb.send(new GetItemCommand(KEY)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DynamoDBServiceException);
    expect(error).toMatchObject({ name: 'ValidationException' });
  });

  test('throws the class of its own service', async () => {
    const { stepFunctions } = clientsOf(rejects('StateMachineDoesNotExist'));
    const start = stepFunctions.send(new StartExecutionCommand({ stateMachineArn: 'machine' }));
    await expect(start).rejects.toBeInstanceOf(StateMachineDoesNotExist);
  });

  test('is not made if it is larger than the endpoint allows', async () => {
    const { dynamodb, calls } = clientsOf(answers({}));
    const Item = { text: { S: 'x'.repeat(16 * 1024 * 1024) } };
    await expect(dynamodb.send(new PutItemCommand({ TableName: 'JobTable', Item }))).rejects.toMatchObject({
      name: 'RequestEntityTooLarge',
    });
    expect(calls).toEqual([]);
  });
});

describe('the limits of a call', () => {
  test.each(['ECONNRESET', 'ECONNREFUSED'])('a broken connection (%s) is retried', async (code) => {
    const { dynamodb, calls } = clientsOf(breaks(code), answers({ Item: KEY.Key }));
    expect(await dynamodb.send(new GetItemCommand(KEY))).toMatchObject({ Item: KEY.Key });
    expect(calls).toHaveLength(2);
  });

  test('a broken connection is retried as often as the SDK would', async () => {
    const { dynamodb, calls } = clientsOf(breaks('ECONNRESET'));
    const error = await dynamodb.send(new GetItemCommand(KEY)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ECONNRESET', $metadata: { attempts: calls.length } });
    expect(calls.length).toBeGreaterThan(1);
    expect(calls.length).toBeLessThanOrEqual(LIMITS.maxAttempts);
  });

  test('throttling is retried, and keeps its class', async () => {
    const { dynamodb, calls } = clientsOf(
      rejects('com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException'),
    );
    await expect(dynamodb.send(new GetItemCommand(KEY))).rejects.toBeInstanceOf(ProvisionedThroughputExceededException);
    expect(calls.length).toBeGreaterThan(1);
  });

  test('a service that hangs ends in a TimeoutError', async () => {
    const { dynamodb } = clientsOf(hangs);
    await expect(dynamodb.send(new GetItemCommand(KEY))).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('an abort ends the call, and its retries', async () => {
    const { dynamodb, calls } = clientsOf(hangs);
    const controller = new AbortController();
    const call = dynamodb.send(new GetItemCommand(KEY), { abortSignal: controller.signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    expect(calls).toHaveLength(1);
    const abortedCall = dynamodb.send(new GetItemCommand(KEY), { abortSignal: AbortSignal.abort() });
    await expect(abortedCall).rejects.toMatchObject({ name: 'AbortError' });
  });
});

import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as eventbridge from '@aws-sdk/client-eventbridge';
import * as sfn from '@aws-sdk/client-sfn';
import { type CallLimits, createRetryStrategy, type DecorateClient } from '@boomerang/core/adapters/aws-clients.ts';
import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';
import { MAX_BODY_BYTES } from './guarded-endpoint.ts';
import { mapValues } from './map-values.ts';
import { type Answer, exceeds, type Service } from './service.ts';

export type Services = { database: Service; stepFunctions: Service; eventBus: Service };

type Command = { input: object };
type Options = { abortSignal?: AbortSignal };
type ServiceError = Error & { $metadata?: object };
type SdkError = Parameters<typeof isTransientError>[0];

/** How to turn a service's commands into JSON, and JSON into outputs and exceptions, as its SDK client does. */
type Protocol = {
  /** Operations by the class of their command. All other commands go to the endpoint. */
  operations: ReadonlyMap<unknown, string>;
  encode: (input: object) => string;
  decode: (output: string) => object;
  /** Exports of the SDK's package, among them the classes of exceptions. */
  sdk: object;
  /** The class for exceptions that the SDK does not model. */
  Exception: new (
    options: ExceptionOptions,
  ) => ServiceError;
};
type ExceptionOptions = { name: string; message: string; $fault: 'client' | 'server'; $metadata: object };

/**
 * Lets the clients of DynamoDB, Step Functions and EventBridge call services in this process. Commands, outputs, exceptions,
 * time limits, retries and abort signals are those of the SDK; signatures and HTTP are left out.
 */
export const inProcessClients =
  ({ database, stepFunctions, eventBus }: Services): DecorateClient =>
  (client, limits) => {
    if (client instanceof dynamodb.DynamoDBClient) return redirect(client, limits, DYNAMODB, database);
    if (client instanceof sfn.SFNClient) return redirect(client, limits, STEP_FUNCTIONS, stepFunctions);
    if (client instanceof eventbridge.EventBridgeClient) return redirect(client, limits, EVENT_BRIDGE, eventBus);
    return client;
  };

const redirect = <Client extends { send: unknown }>(
  client: Client,
  limits: CallLimits,
  protocol: Protocol,
  service: Service,
): Client => {
  const sendToEndpoint = (client.send as (command: Command, options?: Options) => Promise<object>).bind(client);
  const call = withLimits(limits);
  return Object.assign(client, {
    send: async (command: Command, options: Options = {}): Promise<object> => {
      const operation = protocol.operations.get(command.constructor);
      if (operation === undefined) return sendToEndpoint(command, options);
      const body = protocol.encode(command.input);
      return call(options.abortSignal, async () => {
        const answer = exceeds(body, MAX_BODY_BYTES) ? TOO_LARGE : await service(operation, body);
        if (answer.status >= 400) throw toException(protocol, answer);
        return { ...protocol.decode(answer.body), $metadata: { httpStatusCode: answer.status } };
      });
    },
  });
};

const TOO_LARGE: Answer = { status: 413, body: '{"__type":"RequestEntityTooLarge"}' };

const toException = ({ sdk, Exception }: Protocol, { status, body }: Answer): ServiceError => {
  const { __type = '', message, Message, ...members } = JSON.parse(body) as Record<string, string | undefined>;
  const name = __type.slice(__type.lastIndexOf('#') + 1);
  const options: ExceptionOptions = {
    name,
    message: message ?? Message ?? 'UnknownError',
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: status },
  };
  const Modeled = (sdk as Record<string, unknown>)[name];
  const Class = typeof Modeled === 'function' ? (Modeled as Protocol['Exception']) : Exception;
  return Object.assign(new Class({ ...members, ...options }), members);
};

/** Repeats the loop of the SDK's retry middleware, with the same error types. */
const withLimits = (limits: CallLimits) => {
  const strategy = createRetryStrategy(limits);
  return async (abortSignal: AbortSignal | undefined, attempt: () => Promise<object>): Promise<object> => {
    let token = await strategy.acquireInitialRetryToken('');
    for (let attempts = 1; ; attempts += 1) {
      try {
        const output = await within(limits.attemptMs, abortSignal, attempt());
        strategy.recordSuccess(token);
        return output;
      } catch (thrown) {
        const error = thrown as ServiceError;
        try {
          const next = strategy.refreshRetryTokenForRetry(token, { errorType: errorTypeOf(thrown as SdkError) });
          token = await within(undefined, abortSignal, next);
        } catch (refusal) {
          if (isAbort(refusal)) throw refusal;
          error.$metadata = { ...error.$metadata, attempts };
          throw error;
        }
      }
    }
  };
};

const errorTypeOf = (error: SdkError) => {
  if (isThrottlingError(error)) return 'THROTTLING';
  if (isTransientError(error)) return 'TRANSIENT';
  return isServerError(error) ? 'SERVER_ERROR' : 'CLIENT_ERROR';
};

/** @throws TimeoutError after `limitMs`, AbortError when aborted: the names that the SDK uses */
const within = async <T>(
  limitMs: number | undefined,
  signal: AbortSignal | undefined,
  work: Promise<T>,
): Promise<T> => {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const timer =
    limitMs === undefined
      ? undefined
      : setTimeout(() => reject(namedError('TimeoutError', `The call took longer than ${limitMs} ms.`)), limitMs);
  const abort = (): void => reject(namedError('AbortError', 'Request aborted'));
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
};

const namedError = (name: string, message: string): Error => Object.assign(new Error(message), { name });
const isAbort = (error: unknown): boolean => (error as Error).name === 'AbortError';

const encodeJson = (input: object): string => JSON.stringify(input);
const decodeJson = (output: string): object => JSON.parse(output) as object;

/** Binary attribute values are base64 text in JSON, and bytes in commands and outputs. */
const encodeItems = (input: object): string => JSON.stringify(hasBytes(input) ? mapValues(input, toBase64) : input);
const decodeItems = (output: string): object => {
  const decoded = decodeJson(output);
  return /"BS?":["[]/.test(output) ? (mapValues(decoded, toBytes) as object) : decoded;
};

const hasBytes = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (value instanceof Uint8Array || Object.values(value).some(hasBytes));

const toBase64 = (value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('base64') : undefined;

/** A map may have an attribute named `B`, but its value is an object, never a string. */
const toBytes = (value: unknown): unknown => {
  const { B, BS } = value as { B?: unknown; BS?: unknown };
  if (typeof B === 'string') return { B: fromBase64(B) };
  return Array.isArray(BS) ? { BS: BS.map(fromBase64) } : undefined;
};

const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

const DYNAMODB: Protocol = {
  operations: new Map<unknown, string>([
    [dynamodb.BatchGetItemCommand, 'BatchGetItem'],
    [dynamodb.GetItemCommand, 'GetItem'],
    [dynamodb.PutItemCommand, 'PutItem'],
    [dynamodb.UpdateItemCommand, 'UpdateItem'],
    [dynamodb.DeleteItemCommand, 'DeleteItem'],
    [dynamodb.QueryCommand, 'Query'],
    [dynamodb.ScanCommand, 'Scan'],
  ]),
  encode: encodeItems,
  decode: decodeItems,
  sdk: dynamodb,
  Exception: dynamodb.DynamoDBServiceException,
};

const STEP_FUNCTIONS: Protocol = {
  operations: new Map<unknown, string>([[sfn.StartExecutionCommand, 'StartExecution']]),
  encode: encodeJson,
  decode: (output) => {
    const { startDate, ...rest } = JSON.parse(output) as { startDate: number };
    return { ...rest, startDate: new Date(startDate * 1000) };
  },
  sdk: sfn,
  Exception: sfn.SFNServiceException,
};

const EVENT_BRIDGE: Protocol = {
  operations: new Map<unknown, string>([[eventbridge.PutEventsCommand, 'PutEvents']]),
  encode: encodeJson,
  decode: decodeJson,
  sdk: eventbridge,
  Exception: eventbridge.EventBridgeServiceException,
};

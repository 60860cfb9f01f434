import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudFormationClient, CreateStackCommand, waitUntilStackCreateComplete } from '@aws-sdk/client-cloudformation';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  paginateGetExecutionHistory,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { StateMachine } from 'aws-local-stepfunctions';
import { listen } from '../../local/http-server.ts';
import { createRetryCounter, parseDefinition } from '../../local/retry-count.ts';
import { definitionText, type State, statesOf, TASKS } from './definition.ts';

/** A fake of all tasks: returns or throws what the named function would for the payload. */
export type RunTask = (name: string, payload: unknown) => unknown;

/** How an execution ended. */
export type Ended = {
  failed: boolean;
  /** The last state entered in the outer machine. */
  last: string;
};

/** An interpreter of the definition. */
export type Engine = { run: (input: unknown, runTask: RunTask) => Promise<Ended>; close: () => Promise<void> };

type Json = Parameters<StateMachine['run']>[0];

/** The payload in which Lambda reports an error that a function throws. */
const toPayload = ({ name, message }: Error) => ({ errorType: name, errorMessage: message, trace: [] });

/** The interpreter of the embedded cloud. */
export const embeddedEngine = (): Engine => ({
  run: async (input, runTask) => {
    const toInput = createRetryCounter();
    const handler = (name: string) => async (raw: Json) => {
      const { Payload, Input } = JSON.parse(toInput(name, raw as object)) as { Payload?: unknown; Input?: unknown };
      try {
        const result = runTask(name, Payload ?? Input);
        return (Payload === undefined ? result : { Payload: result }) as Json;
      } catch (error) {
        throw Object.assign(new Error(JSON.stringify(toPayload(error as Error))), { name: (error as Error).name });
      }
    };
    const machine = new StateMachine(parseDefinition(definitionText), { validationOptions: { checkArn: false } });
    const { result, eventLogs } = machine.run(input as Json, {
      overrides: {
        taskResourceLocalHandlers: Object.fromEntries(TASKS.map((name) => [name, handler(name)])),
        retryIntervalOverrides: Object.fromEntries(TASKS.map((name) => [name, 0])),
      },
      context: { StateMachine: { Id: 'arn:machine' }, Execution: { Id: 'arn:execution' } },
    });
    const failed = await result.then(
      () => false,
      () => true,
    );
    const entered: string[] = [];
    // Events from inside Maps arrive late or never.
    for await (const event of eventLogs) {
      if (event.type === 'StateEntered' && event.index === undefined) entered.push(event.state.name);
    }
    return { failed, last: entered.at(-1) ?? '' };
  },
  close: async () => {},
});

const ACCESS = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:';
const ROLE_ARN = 'arn:aws:iam::000000000000:role/engine';

/**
 * The definition with every task as a function named after its state. The task that starts executions becomes a function too,
 * so that tests see its input and nothing runs.
 */
const remoteDefinition = (): string => {
  const machine = JSON.parse(definitionText) as Parameters<typeof statesOf>[0];
  for (const [name, state] of statesOf(machine)) {
    if (state.Type !== 'Task') continue;
    const { Payload, 'Payload.$': path, Input } = state.Parameters as Record<string, unknown>;
    const payload = path === undefined ? { Payload: Payload ?? Input } : { 'Payload.$': path };
    Object.assign(state, {
      Resource: 'arn:aws:states:::lambda:invoke',
      Parameters: { FunctionName: `${FUNCTION_ARN}${name}`, ...payload },
    } satisfies Partial<State>);
  }
  return JSON.stringify(machine);
};

/** A server for `Invoke` of the Lambda API, which runs the fake tasks. */
const startLambda = async (runTask: RunTask, port: number) => {
  const server = createServer(async (request, response) => {
    const [, name = ''] = /\/functions\/[^/]*?(\w+)\/invocations/.exec(decodeURIComponent(request.url ?? '')) ?? [];
    const send = (headers: Record<string, string>, body: unknown) =>
      response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body ?? null));
    const payload: unknown = JSON.parse(await text(request));
    try {
      send({}, runTask(name, payload));
    } catch (error) {
      send({ 'x-amz-function-error': 'Unhandled' }, toPayload(error as Error));
    }
  });
  return listen(server, port);
};

/** The code of a function that forwards its event to the test. */
const forwarder = (url: string, name: string): string => `exports.handler = async (event) => {
  const request = { method: 'POST', body: JSON.stringify(event) };
  const response = await fetch('${url}/2015-03-31/functions/${name}/invocations', request);
  const body = await response.json();
  if (!response.headers.has('x-amz-function-error')) return body;
  throw Object.assign(new Error(body.errorMessage), { name: body.errorType });
};`;

/** Creates the tasks' functions in an engine that runs functions itself. */
const createFunctions = async (endpoint: string, lambdaUrl: string): Promise<void> => {
  const client = new CloudFormationClient({ ...ACCESS, endpoint });
  const Resources = Object.fromEntries(
    TASKS.map((FunctionName) => [
      FunctionName,
      {
        Type: 'AWS::Lambda::Function',
        Properties: {
          FunctionName,
          Role: ROLE_ARN,
          Runtime: 'nodejs24.x',
          Handler: 'index.handler',
          Code: { ZipFile: forwarder(lambdaUrl, FunctionName) },
        },
      },
    ]),
  );
  const StackName = 'tasks';
  await client.send(new CreateStackCommand({ StackName, TemplateBody: JSON.stringify({ Resources }) }));
  await waitUntilStackCreateComplete({ client, maxWaitTime: 60, minDelay: 1 }, { StackName });
  client.destroy();
};

/** Enough for the retry delays of an engine that cannot shorten them. */
const MAX_EXECUTION_MS = 50_000;

/**
 * An interpreter behind the Step Functions API.
 * @param lambdaPort the port to which it sends `lambda:invoke`; undefined if it runs functions itself
 */
export const remoteEngine = async (endpoint: string, lambdaPort: number | undefined): Promise<Engine> => {
  let current: RunTask = () => ({});
  const lambda = await startLambda((name, payload) => current(name, payload), lambdaPort ?? 0);
  const client = new SFNClient({ ...ACCESS, endpoint });
  const close = async (): Promise<void> => {
    client.destroy();
    await lambda.close();
  };
  const machine = { name: 'process-pending', roleArn: ROLE_ARN, definition: remoteDefinition() };
  let stateMachineArn: string | undefined;
  try {
    if (lambdaPort === undefined) await createFunctions(endpoint, lambda.url);
    ({ stateMachineArn } = await client.send(new CreateStateMachineCommand(machine)));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    run: async (input, runTask) => {
      current = runTask;
      const { executionArn } = await client.send(
        // moto names every unnamed execution "None".
        new StartExecutionCommand({ stateMachineArn, name: randomUUID(), input: JSON.stringify(input) }),
      );
      const deadline = Date.now() + MAX_EXECUTION_MS;
      let status: string | undefined = 'RUNNING';
      while (status === 'RUNNING') {
        if (Date.now() > deadline) throw new Error(`${executionArn} is still running after ${MAX_EXECUTION_MS} ms`);
        await sleep(20);
        ({ status } = await client.send(new DescribeExecutionCommand({ executionArn })));
      }
      const entered: string[] = [];
      for await (const { events = [] } of paginateGetExecutionHistory({ client }, { executionArn })) {
        entered.push(...events.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? []));
      }
      return { failed: status !== 'SUCCEEDED', last: entered.at(-1) ?? '' };
    },
    close,
  };
};

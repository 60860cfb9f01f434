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

/** Plays a task: gets its payload, returns what the function would, or throws what it would. */
export type PlayTask = (name: string, payload: unknown) => unknown;

/** What became of an execution. */
export type Ended = { failed: boolean /** The last state that was entered, of the outer machine. */; last: string };

/** Something that runs the definition. */
export type Engine = { run: (input: unknown, play: PlayTask) => Promise<Ended>; close: () => Promise<void> };

type Json = Parameters<StateMachine['run']>[0];

/** What AWS makes of an error that a function throws. */
const toPayload = ({ name, message }: Error) => ({ errorType: name, errorMessage: message, trace: [] });

/** The interpreter of the embedded cloud. */
export const embeddedEngine = (): Engine => ({
  run: async (input, play) => {
    const countRetries = createRetryCounter();
    const handler = (name: string) => async (raw: Json) => {
      const { Payload, Input } = raw as { Payload?: unknown; Input?: unknown };
      countRetries(name, Payload);
      try {
        const result = play(name, structuredClone(Payload ?? Input));
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
    // Events from inside Maps come late, or not at all.
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
 * The definition with its tasks as functions named like their states. What starts executions is a function here, too: what it
 * is given is looked at, and not run.
 */
const remoteDefinition = (): string => {
  const machine = JSON.parse(definitionText) as Parameters<typeof statesOf>[0];
  for (const [name, state] of statesOf(machine)) {
    if (state.Type !== 'Task') continue;
    const { Payload, 'Payload.$': path, Input } = state.Parameters as Record<string, unknown>;
    const given = path === undefined ? { Payload: Payload ?? Input } : { 'Payload.$': path };
    Object.assign(state, {
      Resource: 'arn:aws:states:::lambda:invoke',
      Parameters: { FunctionName: `${FUNCTION_ARN}${name}`, ...given },
    } satisfies Partial<State>);
  }
  return JSON.stringify(machine);
};

/** The `Invoke` of the Lambda API, for functions that the test plays. */
const startLambda = async (play: PlayTask, port: number) => {
  const server = createServer(async (request, response) => {
    const [, name = ''] = /\/functions\/[^/]*?(\w+)\/invocations/.exec(decodeURIComponent(request.url ?? '')) ?? [];
    const send = (headers: Record<string, string>, body: unknown) =>
      response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body ?? null));
    const payload: unknown = JSON.parse(await text(request));
    try {
      send({}, play(name, payload));
    } catch (error) {
      send({ 'x-amz-function-error': 'Unhandled' }, toPayload(error as Error));
    }
  });
  return listen(server, port);
};

/** A function that asks the test what to do. */
const forwarder = (url: string, name: string): string => `exports.handler = async (event) => {
  const request = { method: 'POST', body: JSON.stringify(event) };
  const answer = await fetch('${url}/2015-03-31/functions/${name}/invocations', request);
  const body = await answer.json();
  if (!answer.headers.has('x-amz-function-error')) return body;
  throw Object.assign(new Error(body.errorMessage), { name: body.errorType });
};`;

/** Makes the tasks' functions where an engine runs functions itself. */
const createFunctions = async (endpoint: string, lambdaUrl: string): Promise<void> => {
  const client = new CloudFormationClient({ ...ACCESS, endpoint });
  const Resources = Object.fromEntries(
    TASKS.map((FunctionName) => [
      FunctionName,
      {
        Type: 'AWS::Lambda::Function',
        Properties: {
          ...{ FunctionName, Role: ROLE_ARN, Runtime: 'nodejs24.x', Handler: 'index.handler' },
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

/** Waits are scaled down, where an engine knows how. */
const ENDS_WITHIN_MS = 50_000;

/**
 * An interpreter behind the Step Functions API.
 * @param lambdaPort where it sends `lambda:invoke`; undefined where it runs functions itself
 */
export const remoteEngine = async (endpoint: string, lambdaPort: number | undefined): Promise<Engine> => {
  let play: PlayTask = () => ({});
  const lambda = await startLambda((name, payload) => play(name, payload), lambdaPort ?? 0);
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
    run: async (input, playTask) => {
      play = playTask;
      const { executionArn } = await client.send(
        // moto calls every execution without a name "None".
        new StartExecutionCommand({ stateMachineArn, name: randomUUID(), input: JSON.stringify(input) }),
      );
      const givesUpAt = Date.now() + ENDS_WITHIN_MS;
      let status: string | undefined = 'RUNNING';
      while (status === 'RUNNING') {
        if (Date.now() > givesUpAt) throw new Error(`${executionArn} does not end`);
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

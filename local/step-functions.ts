import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Log } from '@boomerang/core/observability/logger.ts';
import { ExecutionAbortedError, StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import type { Access } from './access.ts';
import { listen } from './http-server.ts';
import { type Lambda, logicalIdOf } from './lambda.ts';
import { followReferencePaths } from './reference-paths.ts';
import { createRetryCounter, parseDefinition } from './retry-count.ts';
import { exceeds, rejected, type Service, serve, succeeded } from './service.ts';

followReferencePaths();

/** Quota of Step Functions for the input and output of a state, a task or an execution, in bytes of UTF-8. */
const MAX_STATE_BYTES = 262_144;

export type StateMachineConfig = {
  arn: string;
  definitionPath: string;
  /** Values of `${Name}` in the definition. */
  substitutions: Record<string, string>;
};

export type StepFunctions = {
  /** Starts an execution without waiting for its end, and returns its ARN. */
  start: (input: unknown) => string;
  /** Resolves when no execution is running. */
  settled: () => Promise<void>;
  /** Resolves when the executions running now have ended. */
  currentSettled: () => Promise<void>;
  /** The endpoint for SDK clients. */
  url: string;
  /** Calls the service without the endpoint. */
  service: Service;
  close: () => Promise<void>;
};

/** The definition can't be run. The message is one line, with the path of the file. */
export class InvalidDefinition extends Error {
  override name = 'InvalidDefinition';
}

type Json = Parameters<StateMachine['run']>[0];
type Task = { Resource: string };

/**
 * Runs the state machine's definition file, and serves `StartExecution` for requests signed with these credentials.
 * As on AWS, Catch gets the error's name, and a Cause of `{ errorType, errorMessage, trace }`.
 */
export const startStepFunctions = async (
  { arn, definitionPath, substitutions }: StateMachineConfig,
  lambda: Lambda,
  access: Access,
  log: Log,
): Promise<StepFunctions> => {
  const definition = readDefinition(definitionPath, substitutions);
  const machine = createMachine(definition, definitionPath);
  const tasks = tasksOf(definition);
  const running = new Set<Promise<void>>();

  const runTask = async ({ Resource }: Task, input: TaskInput): Promise<Json> => {
    if (Resource === 'arn:aws:states:::states:startExecution') return { executionArn: start(input.Input) };
    try {
      const output = await lambda.invoke(logicalIdOf(input.FunctionName ?? ''), input.Payload);
      return { Payload: (output ?? null) as Json };
    } catch (error) {
      throw toTaskError(error as Error);
    }
  };

  const start = (input: unknown): string => {
    const executionArn = `${arn.replace(':stateMachine:', ':express:')}:${randomUUID()}:${randomUUID()}`;
    // Deferred, because on AWS StartExecution answers before the execution runs.
    const execution = new Promise<void>((resolve) => {
      setImmediate(() => run(executionArn, input as Json).finally(resolve));
    });
    running.add(execution);
    void execution.then(() => running.delete(execution));
    return executionArn;
  };

  const run = async (executionArn: string, input: Json): Promise<void> => {
    let tooLarge: string | undefined;
    const toInput = createRetryCounter();
    try {
      const { result, abort } = machine.run(input, {
        overrides: {
          taskResourceLocalHandlers: Object.fromEntries(
            tasks.map(([name, task]) => [name, (taskInput: Json) => runLimited(name, task, taskInput)]),
          ),
        },
        context: { StateMachine: { Id: arn }, Execution: { Id: executionArn } },
      });
      // The interpreter enforces no size limit. On AWS, exceeding it fails the execution, and Catch can't handle that.
      const runLimited = async (name: string, task: Task, taskInput: Json): Promise<Json> => {
        const input = toInput(name, taskInput as TaskInput);
        const output = isTooLarge(input) ? undefined : JSON.stringify(await runTask(task, JSON.parse(input)));
        if (output !== undefined && !isTooLarge(output)) return JSON.parse(output);
        tooLarge = name;
        abort();
        return null;
      };
      await result;
    } catch (error) {
      const isLimit = error instanceof ExecutionAbortedError && tooLarge !== undefined;
      const limit = { errorName: 'States.DataLimitExceeded', state: tooLarge, maxBytes: MAX_STATE_BYTES };
      log.error('Execution failed', { executionArn, ...(isLimit ? limit : { error }) });
    }
  };

  const service = createService(arn, start);
  const server = createServer(
    serve({ name: 'states', target: 'AWSStepFunctions', contentType: 'application/x-amz-json-1.0' }, access, service),
  );
  const { url, close } = await listen(server, 0);
  return {
    start,
    service,
    settled: async () => {
      while (running.size > 0) await Promise.all(running);
    },
    currentSettled: async () => void (await Promise.all(running)),
    url,
    close,
  };
};

type TaskInput = { FunctionName?: string; Payload?: unknown; Input?: unknown };

const isTooLarge = (text: string): boolean => exceeds(text, MAX_STATE_BYTES);

const toTaskError = ({ name, message, stack }: Error): Error => {
  const cause = { errorType: name, errorMessage: message, trace: (stack ?? '').split('\n').slice(0, 10) };
  const error = new Error(JSON.stringify(cause));
  error.name = name;
  return error;
};

const createMachine = (definition: StateMachineDefinition, path: string): StateMachine => {
  try {
    return new StateMachine(definition, { validationOptions: { checkArn: false } });
  } catch (cause) {
    throw new InvalidDefinition(`${path}: ${toOneLine((cause as Error).message)}`, { cause });
  }
};

/** The interpreter's message has a heading, and then one error per line. */
const toOneLine = (message: string): string =>
  message
    .replace(/^State machine definition is invalid.*\n/, '')
    .split('\n')
    .map((line) => line.trim())
    .join('; ');

const readDefinition = (path: string, substitutions: Record<string, string>): StateMachineDefinition => {
  const text = readFileSync(path, 'utf8').replace(/\$\{(\w+)\}/g, (placeholder, name: string) => {
    const value = substitutions[name];
    if (value !== undefined) return value;
    throw new InvalidDefinition(`${path}: DefinitionSubstitutions in template.yaml has no value for ${placeholder}.`);
  });
  try {
    return parseDefinition(text);
  } catch (cause) {
    throw new InvalidDefinition(`${path}: ${(cause as Error).message}`, { cause });
  }
};

/** All Tasks of the machine, including those inside Maps. State names are unique in a definition. */
const tasksOf = (machine: Pick<StateMachineDefinition, 'States'>): [string, Task][] =>
  Object.entries(machine.States).flatMap(([name, state]): [string, Task][] => {
    if (state.Type === 'Task') return [[name, state]];
    return state.Type === 'Map' && state.ItemProcessor ? tasksOf(state.ItemProcessor) : [];
  });

/** Implements `StartExecution` of the Step Functions API (AWS JSON 1.0). */
const createService =
  (arn: string, start: StepFunctions['start']): Service =>
  async (operation, body) => {
    if (operation !== 'StartExecution') return rejected('UnknownOperationException');
    try {
      const { stateMachineArn, input = '{}' } = JSON.parse(body) as Record<string, string>;
      if (stateMachineArn !== arn)
        return rejected('StateMachineDoesNotExist', `State machine ${stateMachineArn} does not exist`);
      if (isTooLarge(input)) return rejected('InvalidExecutionInput', 'The input is larger than 262144 bytes');
      return succeeded({ executionArn: start(JSON.parse(input)), startDate: Date.now() / 1000 });
    } catch (error) {
      return rejected('InvalidExecutionInput', (error as Error).message);
    }
  };

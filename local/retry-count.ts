import type { StateMachineDefinition } from 'aws-local-stepfunctions';

/**
 * Parses a definition that passes `$$.State.RetryCount` to tasks as `retryCount`. The interpreter has no `$$.State` in its context
 * object, so the placeholder becomes 0, and createRetryCounter fills it in.
 */
export const parseDefinition = (text: string): StateMachineDefinition =>
  JSON.parse(
    text.replaceAll(/"retryCount\.\$":\s*"\$\$\.State\.RetryCount"/g, '"retryCount": 0'),
  ) as StateMachineDefinition;

/** The input of a task that invokes a function. */
type TaskInput = { Payload?: unknown };

/**
 * Counts the retries of the tasks of one execution, and sets `retryCount` in payloads that have it. Runs of a task with the same
 * input count as retries.
 * @returns a function that returns the JSON text of a task's input
 */
export const createRetryCounter = () => {
  const runs = new Map<string, number>();
  return (task: string, input: TaskInput): string => {
    const text = JSON.stringify(input);
    const { Payload } = input;
    if (typeof Payload !== 'object' || Payload === null || !('retryCount' in Payload)) return text;
    const key = `${task} ${text}`;
    const retryCount = runs.get(key) ?? 0;
    runs.set(key, retryCount + 1);
    return retryCount === 0 ? text : JSON.stringify({ ...input, Payload: { ...Payload, retryCount } });
  };
};

import type { StateMachineDefinition } from 'aws-local-stepfunctions';

/**
 * Parses a definition that passes `$$.State.RetryCount` to tasks as `retryCount`. The interpreter has no `$$.State` in its context
 * object, so the placeholder becomes 0, and createRetryCounter fills it in.
 */
export const parseDefinition = (text: string): StateMachineDefinition =>
  JSON.parse(
    text.replaceAll(/"retryCount\.\$":\s*"\$\$\.State\.RetryCount"/g, '"retryCount": 0'),
  ) as StateMachineDefinition;

/**
 * Counts the retries of the tasks of one execution, and sets `retryCount` in payloads that have it. Runs of a task with the same
 * payload count as retries.
 */
export const createRetryCounter = () => {
  const runs = new Map<string, number>();
  return (task: string, payload: unknown): void => {
    if (typeof payload !== 'object' || payload === null || !('retryCount' in payload)) return;
    const key = `${task} ${JSON.stringify(payload)}`;
    const retryCount = runs.get(key) ?? 0;
    runs.set(key, retryCount + 1);
    payload.retryCount = retryCount;
  };
};

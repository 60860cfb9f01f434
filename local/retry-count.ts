import type { StateMachineDefinition } from 'aws-local-stepfunctions';

/**
 * The interpreter has no `$$.State` in its context object. A definition read here may still hand `$$.State.RetryCount` to a
 * task, as `retryCount` of its payload: who runs the tasks counts for it.
 */
export const parseDefinition = (text: string): StateMachineDefinition =>
  JSON.parse(
    text.replaceAll(/"retryCount\.\$":\s*"\$\$\.State\.RetryCount"/g, '"retryCount": 0'),
  ) as StateMachineDefinition;

/** Counts the retries of one execution, and tells each task that asks for it its own. A task with the same payload is the same. */
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

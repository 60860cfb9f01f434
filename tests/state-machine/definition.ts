import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export type Retrier = {
  ErrorEquals: string[];
  MaxAttempts: number;
  IntervalSeconds: number;
  BackoffRate: number;
  MaxDelaySeconds: number;
};
export type State = {
  Type: string;
  Resource?: string;
  Next?: string;
  Default?: string;
  End?: boolean;
  Choices?: { Variable: string; IsPresent?: boolean; BooleanEquals?: boolean; Next: string }[];
  Catch?: { ErrorEquals: string[]; Next: string }[];
  Retry?: Retrier[];
  TimeoutSeconds?: number;
  ItemProcessor?: Machine;
  ItemSelector?: unknown;
  Parameters?: unknown;
};
export type Machine = { StartAt: string; States: Record<string, State>; TimeoutSeconds?: number };

const PATH = fileURLToPath(new URL('../../statemachine/process-pending.asl.json', import.meta.url));

export const definitionText = readFileSync(PATH, 'utf8');

export const readDefinition = (): Machine => JSON.parse(definitionText) as Machine;

/** The machine and the machines inside its Maps. */
export const machinesOf = (machine: Machine): Machine[] => [
  machine,
  ...Object.values(machine.States).flatMap(({ ItemProcessor }) => (ItemProcessor ? machinesOf(ItemProcessor) : [])),
];

/** Every state by name, including those inside Maps. */
export const statesOf = (machine: Machine): [string, State][] =>
  machinesOf(machine).flatMap(({ States }) => Object.entries(States));

/** The states that may follow a state. */
export const targetsOf = ({ Next, Default, Choices = [], Catch = [] }: State): string[] =>
  [Next, Default, ...Choices.map((choice) => choice.Next), ...Catch.map((catcher) => catcher.Next)].filter(
    (name) => name !== undefined,
  );

/** The states of a machine that are reachable from one state, including itself. */
export const reachableFrom = ({ States }: Machine, start: string): Set<string> => {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const target of targetsOf(States[name] as State)) visit(target);
  };
  visit(start);
  return seen;
};

/** The names of all Tasks of the state machine. */
export const TASKS = statesOf(readDefinition()).flatMap(([name, { Type }]) => (Type === 'Task' ? [name] : []));

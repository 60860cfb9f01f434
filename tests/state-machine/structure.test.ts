import { readFileSync } from 'node:fs';
import { EXECUTION_TIMEOUT_SECONDS } from '@boomerang/core/config/settings.ts';
import * as failures from '@boomerang/core/domain/failures.ts';
import { describe, expect, test } from '@jest/globals';
import { readTemplate } from '../../local/template.ts';
import {
  definitionText,
  type Machine,
  machinesOf,
  reachableFrom,
  readDefinition,
  type State,
  statesOf,
  targetsOf,
} from './definition.ts';

const machine = readDefinition();
const states = new Map(statesOf(machine));
const tasks = [...states].filter(([, state]) => state.Type === 'Task');
/** States that read every item of a list. Each follows a Choice or a Map that ensures the list is not empty. */
const SUMMARIES = ['SummariseResults', 'SummariseEnds', 'SummariseBatches'];
const template = readTemplate('template.yaml');
const properties = (logicalId: string) => template.Resources[logicalId]?.Properties as Record<string, never>;

describe('the graph', () => {
  test('has no transition to a missing state, and no unreachable state', () => {
    for (const one of machinesOf(machine)) {
      const names = Object.keys(one.States);
      const dangling = Object.entries(one.States).flatMap(([name, state]) =>
        targetsOf(state).flatMap((target) =>
          names.includes(target) ? [] : [`${name} leads to ${target}, which does not exist`],
        ),
      );
      expect(dangling).toEqual([]);
      const reached = reachableFrom(one, one.StartAt);
      expect(names.flatMap((name) => (reached.has(name) ? [] : [`nothing leads to ${name}`]))).toEqual([]);
    }
  });

  test('marks exactly the states without a successor as terminal', () => {
    for (const [name, state] of states) {
      const ends = state.End === true || ['Succeed', 'Fail'].includes(state.Type);
      expect([name, ends]).toEqual([name, targetsOf({ ...state, Catch: [] }).length === 0]);
    }
  });

  test('cannot reach the sweep from an input with jobs', () => {
    const hasJobs = machine.States[machine.StartAt] as State;
    expect(hasJobs.Choices).toEqual([{ Variable: '$.jobs', IsPresent: true, Next: 'ProcessJobs' }]);
    const reached = [...reachableFrom(machine, 'ProcessJobs')];
    expect(reached).not.toContain('ClaimDueJobs');
    const States = Object.fromEntries(reached.map((name) => [name, machine.States[name] as State]));
    expect(JSON.stringify(statesOf({ StartAt: '', States }))).not.toContain('startExecution');
  });

  test('starts executions with jobs only', () => {
    const starters = tasks.filter(([, { Resource }]) => Resource?.endsWith(':startExecution'));
    expect(starters.map(([name]) => name)).toEqual(['StartBatch']);
    expect(states.get('StartBatch')?.Parameters).toMatchObject({ Input: { 'jobs.$': '$.jobs' } });
    expect(states.get('StartBatches')?.ItemSelector).toEqual({ 'jobs.$': '$$.Map.Item.Value' });
  });

  test('gives states unique PascalCase names, and Choices names that are questions', () => {
    expect(states.size).toBe(statesOf(machine).length);
    for (const [name, { Type }] of states) {
      expect(name).toMatch(/^([A-Z][a-z]+)+$/);
      if (Type === 'Choice') expect(name).toMatch(/^(Is|Has)/);
    }
  });
});

describe('tasks', () => {
  test('have a TimeoutSeconds and catch States.ALL last', () => {
    const problems = tasks.flatMap(([name, { TimeoutSeconds, Catch = [] }]) => [
      ...(TimeoutSeconds === undefined ? [`${name} has no TimeoutSeconds`] : []),
      ...(Catch.at(-1)?.ErrorEquals.join() === 'States.ALL' ? [] : [`${name} has no Catch for States.ALL as its last`]),
    ]);
    expect(problems).toEqual([]);
  });

  test.each(tasks)('%s retries only named errors', (_name, state) => {
    for (const { ErrorEquals } of state.Retry ?? []) expect(ErrorEquals).not.toContain('States.ALL');
  });

  test('retry and catch only error names that exist', () => {
    const ownErrors = tasks
      .flatMap(([, { Retry = [], Catch = [] }]) => [...Retry, ...Catch].flatMap(({ ErrorEquals }) => ErrorEquals))
      .filter((name) => !/^(States|Lambda|StepFunctions)\./.test(name));
    expect(ownErrors.length).toBeGreaterThan(0);
    const exported = Object.keys(failures);
    const unknown = ownErrors.filter((name) => !exported.includes(name));
    expect(unknown.map((name) => `packages/core/domain/failures.ts exports no class ${name}`)).toEqual([]);
  });

  test('throw errors whose names are literals, which minifying keeps', () => {
    const source = readFileSync('packages/core/domain/failures.ts', 'utf8');
    const classes = [...source.matchAll(/export class (\w+) extends \w+ \{\s+override name = '(\w+)';/g)];
    expect(classes.map(([, name]) => name)).toEqual(classes.map(([, , literal]) => literal));
    expect(classes).toHaveLength(source.match(/^export class /gm)?.length ?? 0);
  });

  test('time out after their functions, and functions after their work', () => {
    /** The constant that limits the work of a task, in milliseconds. */
    const deadlines: Record<string, [path: string, name: string]> = {
      RunRedrives: ['functions/redrive-run/run-redrives.ts', 'PASS_MS'],
      ClaimDueJobs: ['functions/job-claim/claim-due-jobs.ts', 'PASS_MS'],
      FetchProvider: ['packages/core/domain/catalogue/provider-schema.ts', 'MAX_PROVIDER_TIMEOUT_MS'],
      DeliverCallback: ['functions/callback-deliver/deliver-callback.ts', 'CALLBACK_TIMEOUT_MS'],
    };
    const invoked = tasks.filter(([, { Resource }]) => Resource === 'arn:aws:states:::lambda:invoke');
    const problems: string[] = [];
    expect(Object.keys(deadlines).filter((task) => !invoked.some(([name]) => name === task))).toEqual([]);
    for (const [task, { TimeoutSeconds = Number.POSITIVE_INFINITY, Parameters }] of invoked) {
      const [, logicalId = ''] = /\$\{(\w+)Arn\}/.exec((Parameters as { FunctionName: string }).FunctionName) ?? [];
      const timeout = Number(properties(logicalId)?.Timeout);
      if (Number.isNaN(timeout)) {
        problems.push(`template.yaml: ${logicalId}, the function of the Task ${task}, has no Timeout`);
        continue;
      }
      if (timeout >= TimeoutSeconds)
        problems.push(`${task}: TimeoutSeconds ${TimeoutSeconds} must exceed the Timeout of ${logicalId}, ${timeout}`);
      const [path, name] = deadlines[task] ?? [];
      if (path === undefined) continue;
      const deadline = new RegExp(`\\b${name} = ([\\d_]+);`).exec(readFileSync(path, 'utf8'))?.[1];
      if (deadline === undefined) problems.push(`${path}: ${name} is not defined as a number`);
      else if (Number(deadline.replaceAll('_', '')) / 1000 >= timeout)
        problems.push(`${path}: ${name} must be shorter than the Timeout of ${logicalId}, ${timeout} s`);
    }
    expect(problems).toEqual([]);
  });

  test('take less than 200 seconds in total on the longest path of a job', () => {
    const ownSeconds = ({ TimeoutSeconds = 0, Retry = [] }: State): number =>
      Retry.reduce((sum, { MaxAttempts, IntervalSeconds, BackoffRate, MaxDelaySeconds }) => {
        const delays = Array.from({ length: MaxAttempts }, (_, n) =>
          Math.min(IntervalSeconds * BackoffRate ** n, MaxDelaySeconds),
        );
        return sum + MaxAttempts * TimeoutSeconds + delays.reduce((a, b) => a + b, 0);
      }, TimeoutSeconds);
    type Step = [name: string, seconds: number];
    const secondsOf = (steps: Step[]): number => steps.reduce((sum, [, seconds]) => sum + seconds, 0);
    /** The path of a job has no loops, and each Map processes all its items concurrently. */
    const longest = (one: Machine, name: string): Step[] => {
      const state = one.States[name] as State;
      const { ItemProcessor } = state;
      const [longestRest = []] = targetsOf(state)
        .map((target) => longest(one, target))
        .sort((a, b) => secondsOf(b) - secondsOf(a));
      return [
        [name, ownSeconds(state)],
        ...(ItemProcessor ? longest(ItemProcessor, ItemProcessor.StartAt) : []),
        ...longestRest,
      ];
    };
    const steps = longest(machine, 'ProcessJobs');
    const seconds = secondsOf(steps);
    expect(seconds).toBeGreaterThan(100);
    const waits = steps.filter(([, own]) => own > 0).map(([name, own]) => `${name} ${own} s with its retries`);
    expect(seconds < 200 ? [] : [`${seconds} s: shorten TimeoutSeconds or Retry`, ...waits]).toEqual([]);
    expect(machine.TimeoutSeconds).toBe(EXECUTION_TIMEOUT_SECONDS);
  });
});

describe('the definition', () => {
  test('has the placeholders that the template substitutes', () => {
    const placeholders = [...definitionText.matchAll(/\$\{(\w+)\}/g)].map((match) => match[1]);
    const substitutions = properties('ProcessPendingStateMachine').DefinitionSubstitutions;
    const substituted = Object.keys(substitutions ?? {});
    const problems = [
      ...placeholders.filter((name = '') => !substituted.includes(name)).map((name) => `${name} is missing there`),
      ...substituted
        .filter((name) => !placeholders.includes(name))
        .map((name) => `${name} is not used in the definition`),
    ].map((problem) => `DefinitionSubstitutions in template.yaml: ${problem}`);
    expect(problems).toEqual([]);
  });

  test('uses only features that every engine supports', () => {
    const compact = JSON.stringify(machine);
    for (const form of ['JSONata', 'QueryLanguage', '"IsPresent":false', '[?(', '{%']) {
      expect(compact).not.toContain(form);
    }
    // The only part of $$.State that all engines support; local/retry-count.ts adds it to the embedded interpreter.
    expect(new Set(compact.match(/"[^"]+":"\$\$\.State\.[^"]*"/g))).toEqual(
      new Set(['"retryCount.$":"$$.State.RetryCount"']),
    );
    for (const [name, { ItemSelector: _, ItemProcessor: __, ...state }] of states) {
      expect(JSON.stringify(state)).not.toContain('$$.Map');
      // Only for lists that are not empty: not every engine accepts [*] on an empty list.
      if (JSON.stringify(state).includes('[*]')) expect(SUMMARIES).toContain(name);
    }
    expect(states.get('FetchProviders')?.Next).toBe('SummariseResults');
    expect(states.get('HasEnds')?.Choices).toEqual([{ Variable: '$.ends[0]', IsPresent: true, Next: 'SummariseEnds' }]);
    expect(states.get('HasBatches')?.Choices).toEqual([
      { Variable: '$.ends[0]', IsPresent: true, Next: 'SummariseBatches' },
    ]);
    for (const name of ['SummariseResults', 'SummariseEnds'])
      expect([...states.values()].flatMap(targetsOf).filter((target) => target === name)).toHaveLength(1);
  });
});

import { JSONPath } from 'jsonpath-plus';

/** A path to one value, such as `$.jobs[0].status`. */
const REFERENCE_PATH = /^\$(?:\.[A-Za-z_]\w*|\[\d+\])*$/;

const stepsByPath = new Map<string, string[] | undefined>();

/** The steps of a reference path; undefined for any other path. */
const stepsOf = (path: string): string[] | undefined => {
  if (!stepsByPath.has(path)) stepsByPath.set(path, REFERENCE_PATH.test(path) ? (path.match(/\w+/g) ?? []) : undefined);
  return stepsByPath.get(path);
};

type Query = { path?: unknown; json?: unknown };
type Evaluate = (this: { wrap?: boolean }, query: Query) => unknown;

/**
 * Lets the state machine interpreter's JSONPath library follow reference paths directly. The library evaluates each path as an
 * expression, and throws an error, with a stack trace, to return a value that is absent or not an object.
 */
export const followReferencePaths = (): void => {
  const prototype = JSONPath.prototype as { evaluate: Evaluate };
  const { evaluate } = prototype;
  prototype.evaluate = function (query) {
    const { path, json } = query;
    const steps = this.wrap === false && json && typeof path === 'string' ? stepsOf(path) : undefined;
    const value = steps ? follow(json, steps) : evaluate.call(this, query);
    if (typeof value === 'object' && value !== null) return value;
    // What the library's constructor expects for such values, but without a stack trace.
    throw { avoidNew: true, value };
  };
};

const follow = (json: unknown, steps: readonly string[]): unknown => {
  let value = json;
  for (const step of steps) {
    if (!value || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
};

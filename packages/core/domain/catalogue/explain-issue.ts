import type * as z from 'zod';
import type { CatalogueFault } from './fault.ts';

type Issue = z.core.$ZodIssue;
type Path = CatalogueFault['path'];

/** Converts a Zod issue to faults with readable messages, one per unknown key. */
export const explainIssue = (issue: Issue, root: unknown, basePath: Path = []): CatalogueFault[] => {
  const path = [...basePath, ...(issue.path as Path)];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path, key, message: `Unknown key "${key}"` }));
  }
  if (issue.code === 'invalid_key') {
    const [first] = issue.issues;
    const key = String(path.at(-1));
    return [{ path: path.slice(0, -1), key, message: `Key "${key}": ${first ? ruleOf(first) : 'Must not be used'}` }];
  }
  const value = valueAt(root, path);
  if (value === undefined) return [{ path, message: 'Is required' }];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // Explain the alternative that the value comes closest to: the right type, and the fewest faults inside.
    const [branch = []] = [...issue.errors]
      .filter((errors) => errors.some((error) => error.path.length > 0))
      .sort((a, b) => a.length - b.length);
    if (branch.length > 0) return branch.flatMap((error) => explainIssue(error, root, path));
    const rules = new Set(issue.errors.flat().map(ruleOf));
    return [{ path, message: [...rules].join(', or ').replaceAll(', or Must be', ', or') }];
  }
  return [{ path, message: ruleOf(issue) }];
};

const ruleOf = (issue: Issue): string => {
  // Our own schemas set these messages.
  if (issue.message.startsWith('Must ')) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `Must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return mustBeOneOf(issue.values);
    case 'invalid_union':
      return mustBeOneOf('options' in issue && Array.isArray(issue.options) ? issue.options : []);
    case 'too_small':
      return `Must ${sizeOf(issue.origin, 'at least', issue.minimum, issue.inclusive)}`;
    case 'too_big':
      return `Must ${sizeOf(issue.origin, 'at most', issue.maximum, issue.inclusive)}`;
    case 'invalid_format':
      return issue.pattern ? `Must match the pattern ${issue.pattern}` : `Must be of the format ${issue.format}`;
    default:
      return issue.message;
  }
};

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'an integer',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'an array',
  null: 'null',
};

const mustBeOneOf = (values: readonly unknown[]): string => {
  const named = values.filter((value) => value !== undefined && value !== null).map((value) => JSON.stringify(value));
  return named.length === 1 ? `Must be ${named[0]}` : `Must be one of ${named.join(', ')}`;
};

const sizeOf = (origin: string, bound: string, limit: number | bigint, isInclusive = true): string => {
  if (origin === 'string') return `have ${bound} ${limit} character${limit === 1 ? '' : 's'}`;
  if (origin === 'array') return `have ${bound} ${limit} item${limit === 1 ? '' : 's'}`;
  return isInclusive ? `be ${bound} ${limit}` : `be ${bound === 'at least' ? 'greater' : 'less'} than ${limit}`;
};

const valueAt = (root: unknown, path: Path): unknown => {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
};

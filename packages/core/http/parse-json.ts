import { Problem } from './problem.ts';

/**
 * Parses a request body. Keys that could change an object's prototype are refused, however they are escaped.
 *
 * Every step is linear in the length of the text, and none recurses: a reviver (middy's, for one) costs ten times what the
 * parsing costs, and overflows the stack where values are nested deeply.
 *
 * @throws Problem 400 for what is not JSON, 422 for a forbidden key
 */
export const parseJson = (text: string): unknown => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Problem(400, 'The body is not JSON that parses.', { cause });
  }
  if (PROTO.test(text)) throw forbidden('__proto__');
  if (CONSTRUCTOR.test(text) && PROTOTYPE.test(text) && hasConstructorPrototype(value)) throw forbidden('constructor');
  return value;
};

const forbidden = (key: string): Problem => new Problem(422, `The body has a property that is never taken: ${key}.`);

/**
 * Matches a key in a text that is JSON, each of its characters as it is or as `\uXXXX`. Values don't match: no colon follows
 * them. Nor does the end of another key: a quote within it has a backslash before it.
 */
const keyPattern = (key: string): RegExp => {
  const characters = [...key].map((character) => {
    const hex = character.charCodeAt(0).toString(16).padStart(4, '0');
    const anyCase = hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
    return `(?:${character}|\\\\u${anyCase})`;
  });
  return new RegExp(`(?<!\\\\)"${characters.join('')}"[ \\t\\r\\n]*:`);
};

const PROTO = keyPattern('__proto__');
const CONSTRUCTOR = keyPattern('constructor');
const PROTOTYPE = keyPattern('prototype');

/** Whether a `constructor` with a `prototype` of its own is anywhere within a value: what a careless merge would follow. */
const hasConstructorPrototype = (value: unknown): boolean => {
  const pending = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (!isObject(next)) continue;
    if (
      Object.hasOwn(next, 'constructor') &&
      isObject(next.constructor) &&
      Object.hasOwn(next.constructor, 'prototype')
    )
      return true;
    // One by one: a call takes only so many arguments.
    for (const child of Array.isArray(next) ? next : Object.values(next)) if (isObject(child)) pending.push(child);
  }
  return false;
};

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

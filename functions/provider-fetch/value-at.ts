/**
 * The value at a JSON Pointer (RFC 6901) in a parsed document.
 *
 * @param tokens the pointer's reference tokens, with their escapes undone
 * @returns undefined if the pointer finds nothing
 */
export const valueAt = (document: unknown, tokens: readonly string[]): unknown => {
  let value = document;
  for (const token of tokens) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value) && !/^(?:0|[1-9]\d*)$/.test(token)) return undefined;
    if (!Object.hasOwn(value, token)) return undefined;
    value = (value as Record<string, unknown>)[token];
  }
  return value;
};

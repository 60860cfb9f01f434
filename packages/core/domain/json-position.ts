const SPACE = /[ \t\n\r]*/y;
const SCALAR = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings must not contain them (RFC 8259, 7).
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;

/**
 * Finds the first syntax error in a JSON text (RFC 8259). JSON.parse reports the position of only some errors.
 * @returns line and column, from 1; undefined for valid JSON
 */
export const findJsonError = (text: string): { line: number; column: number } | undefined => {
  let at = 0;
  const take = (token: RegExp | string): boolean => {
    const pattern = typeof token === 'string' ? new RegExp(token, 'y') : token;
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    skipSpace();
    return true;
  };
  const skipSpace = (): void => {
    SPACE.lastIndex = at;
    SPACE.test(text);
    at = SPACE.lastIndex;
  };
  const takeMany = (takeOne: () => boolean, end: string): boolean => {
    if (take(end)) return true;
    do {
      if (!takeOne()) return false;
    } while (take(','));
    return take(end);
  };
  const takeValue = (): boolean => {
    if (take('\\{')) return takeMany(() => take(STRING) && take(':') && takeValue(), '\\}');
    if (take('\\[')) return takeMany(takeValue, '\\]');
    return take(STRING) || take(SCALAR);
  };
  skipSpace();
  if (takeValue() && at === text.length) return undefined;
  return positionOf(text, at);
};

/** A bracket or brace, or a whole string, in which brackets do not count. */
const BRACKET_OR_STRING = /"(?:[^"\\]|\\.)*(?:"|$)|[[{\]}]/gs;

/**
 * Finds where a text is nested deeper than `depth`. It takes linear time and does not recurse, even if the text is not JSON.
 * @returns line and column of the first bracket that is too deep, from 1; undefined if there is none
 */
export const findTooDeep = (text: string, depth: number): { line: number; column: number } | undefined => {
  let open = 0;
  for (const { 0: token, index } of text.matchAll(BRACKET_OR_STRING)) {
    if (token === '[' || token === '{') open += 1;
    else if (token === ']' || token === '}') open -= 1;
    if (open > depth) return positionOf(text, index);
  }
  return undefined;
};

/** The line and column of a character, from 1. @param at its index in the text */
export const positionOf = (text: string, at: number): { line: number; column: number } => {
  const before = text.slice(0, at).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
};

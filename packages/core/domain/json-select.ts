/**
 * Cuts values out of JSON text by JSON Pointer (RFC 6901) without parsing and serialising it, so numbers keep every digit.
 *
 * The functions expect valid JSON (RFC 8259), which callers have parsed once. For other text the result is unspecified. They
 * take time linear in the length of any text. They do not recurse, so the stack does not limit nesting.
 */

/** The string is not a JSON Pointer. */
export class InvalidPointer extends Error {
  override name = 'InvalidPointer';
}

/**
 * The reference tokens of a JSON Pointer, with their escapes undone (RFC 6901, sections 3 and 4).
 * @param pointer in its string form; '' is the whole document
 * @throws InvalidPointer
 */
export const parsePointer = (pointer: string): readonly string[] => {
  if (pointer !== '' && !pointer.startsWith('/')) throw new InvalidPointer('Must be empty or start with "/".');
  if (/~(?![01])/.test(pointer)) throw new InvalidPointer('Must escape "~" as "~0" and "/" within a name as "~1".');
  const [, ...tokens] = pointer.split('/');
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
};

/**
 * The text of the value at a pointer, without surrounding whitespace. If a name is repeated in an object, the last
 * occurrence counts, as in `JSON.parse`.
 * @param pointer as returned by {@link parsePointer}
 * @returns undefined if there is no such value
 */
export const selectJson = (json: string, pointer: readonly string[]): string | undefined => {
  const indexes = pointer.map(toIndex);
  const open: OpenContainer[] = [];
  let start = -1;
  let end = -1;
  let at = skipBlanks(json, 0);
  do {
    // A value on the pointer's path replaces an earlier one of the same name, and any match inside it.
    start = -1;
    const code = json.charCodeAt(at);
    if (open.length === pointer.length) {
      start = at;
      at = skipValue(json, at);
      end = at;
    } else if (isOpening(code)) {
      open.push({ isArray: code === OPEN_BRACKET, index: indexes[open.length] ?? NO_INDEX });
      at += 1;
    } else {
      at = skipValue(json, at);
    }
    for (let inner = open.at(-1); inner; inner = open.at(-1)) {
      at = inner.isArray ? seekItem(json, at, inner.index) : seekMember(json, at, pointer[open.length - 1] ?? '');
      inner.index = NO_INDEX;
      if (at < json.length && !isClosing(json.charCodeAt(at))) break;
      open.pop();
      at += 1;
    }
  } while (open.length > 0);
  return start < 0 ? undefined : json.slice(start, end);
};

/** A container on the pointer's path that is not closed yet. The outermost one belongs to the first token. */
type OpenContainer = {
  isArray: boolean;
  /** The index of the item to find in an array; {@link NO_INDEX} once found, because only names can be repeated. */
  index: number;
};

/**
 * The value at a pointer.
 * @param pointer as returned by {@link parsePointer}
 * @returns undefined if there is no such value
 */
export const selectValue = (json: string, pointer: readonly string[]): unknown => {
  const text = selectJson(json, pointer);
  return text === undefined ? undefined : JSON.parse(text);
};

/**
 * The text between the brackets of an array, without surrounding whitespace.
 * @returns '' for an empty array; undefined if the text is not an array
 */
export const itemsOf = (json: string): string | undefined => {
  const text = json.trim();
  return text.startsWith('[') ? text.slice(1, -1).trim() : undefined;
};

/**
 * The number of items in an array.
 * @param items as returned by {@link itemsOf}
 */
export const countItems = (items: string): number => {
  let count = 0;
  for (let at = 0; at < items.length; at = skipBlanks(items, skipValue(items, at))) count += 1;
  return count;
};

/**
 * The text of one array with the items of several arrays.
 * @param parts as returned by {@link itemsOf}
 */
export const joinItems = (parts: readonly string[]): string => `[${parts.filter((part) => part !== '').join(',')}]`;

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The bit in which brackets and braces differ. Set, it turns a bracket into the brace of the same side. */
const BRACE_BIT = OPEN_BRACE ^ OPEN_BRACKET;

const isOpening = (code: number): boolean => (code | BRACE_BIT) === OPEN_BRACE;

const isClosing = (code: number): boolean => (code | BRACE_BIT) === CLOSE_BRACE;

/** The token is not an array index (RFC 6901, section 4). */
const NO_INDEX = -1;

const toIndex = (token: string): number => (/^(?:0|[1-9]\d*)$/.test(token) ? Number(token) : NO_INDEX);

/**
 * @param from a position in an object, after its opening brace or after a value
 * @returns the position of the next value with that name, or of the closing brace
 */
const seekMember = (json: string, from: number, name: string): number => {
  for (let at = skipBlanks(json, from); ; at = skipBlanks(json, at)) {
    if (json.charCodeAt(at) !== QUOTE) return at;
    const end = skipString(json, at);
    const value = skipBlanks(json, end);
    if (isName(json, at, end, name)) return value;
    at = skipValue(json, value);
  }
};

/**
 * @param from a position in an array, after its opening bracket; or after an item, if `index` is {@link NO_INDEX}
 * @returns the position of the item with that index, or of the closing bracket
 */
const seekItem = (json: string, from: number, index: number): number => {
  if (index === NO_INDEX) return findClosing(json, from);
  let at = skipBlanks(json, from);
  for (let left = index; left > 0 && at < json.length && !isClosing(json.charCodeAt(at)); left -= 1) {
    at = skipBlanks(json, skipValue(json, at));
  }
  return at;
};

/** Skips whitespace, commas and colons. */
const skipBlanks = (json: string, from: number): number => {
  for (let at = from; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code > SPACE && code !== COMMA && code !== COLON) return at;
  }
  return json.length;
};

const skipValue = (json: string, at: number): number => {
  const code = json.charCodeAt(at);
  if (code === QUOTE) return skipString(json, at);
  return isOpening(code) ? findClosing(json, at + 1) + 1 : skipScalar(json, at);
};

/** Skips a number or a literal. */
const skipScalar = (json: string, from: number): number => {
  for (let at = from; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code <= SPACE || code === COMMA || isClosing(code)) return at;
  }
  return json.length;
};

/**
 * @param from a position in an object or array, outside its strings and nested containers
 * @returns the position of its closing bracket
 */
const findClosing = (json: string, from: number): number => {
  let depth = 0;
  for (let at = from; at < json.length; at += 1) {
    let code = json.charCodeAt(at);
    while (code <= SPACE) {
      at += 1;
      code = json.charCodeAt(at);
    }
    if (code === QUOTE) at = skipString(json, at) - 1;
    else if (isOpening(code)) depth += 1;
    else if (isClosing(code)) {
      if (depth === 0) return at;
      depth -= 1;
    }
  }
  return json.length;
};

/** @param from the position of the opening quote */
const skipString = (json: string, from: number): number => {
  for (let quote = json.indexOf('"', from + 1); quote >= 0; quote = json.indexOf('"', quote + 1)) {
    let before = quote - 1;
    while (json.charCodeAt(before) === BACKSLASH) before -= 1;
    // Backslashes escape each other in pairs. One more escapes the quote.
    if ((quote - before) % 2 === 1) return quote + 1;
  }
  return json.length;
};

/**
 * Whether a string literal decodes to a name.
 * @param from the position of its opening quote
 * @param end the position after its closing quote
 */
const isName = (json: string, from: number, end: number, name: string): boolean => {
  // Escapes only make the literal longer.
  if (end - from - 2 < name.length) return false;
  let at = from + 1;
  for (let index = 0; index < name.length; index += 1) {
    let code = json.charCodeAt(at);
    let length = 1;
    if (code === BACKSLASH) {
      const letter = json.charCodeAt(at + 1);
      length = letter === LETTER_U ? 6 : 2;
      code = letter === LETTER_U ? Number.parseInt(json.slice(at + 2, at + 6), 16) : (ESCAPES.get(letter) ?? letter);
    }
    if (code !== name.charCodeAt(index)) return false;
    at += length;
  }
  return at === end - 1;
};

/** Escape letters and their characters (RFC 8259, section 7). Other characters after a backslash are literal. */
const ESCAPES: ReadonlyMap<number, number> = new Map(
  ['b\b', 'f\f', 'n\n', 'r\r', 't\t'].map((pair) => [pair.charCodeAt(0), pair.charCodeAt(1)]),
);

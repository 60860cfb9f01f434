import { percentDecoded } from './text.ts';

/**
 * Masks secrets in responses of third parties before they are stored or shown.
 *
 * A third party that echoes a credential often changes it: it escapes it for JSON, HTML or a URL, decodes Basic credentials,
 * or truncates its message. So every piece of a secret is searched for, in the text as received and with its escapes undone:
 * of a secret of eight bytes or more, no run of eight bytes survives.
 */

/** The length of the pieces that are searched for. Shorter secrets are searched for as a whole. */
const PIECE_BYTES = 8;

/** Shorter values are not masked: they occur in most texts, and masking them would leave little. */
const MIN_SECRET_BYTES = 4;

/** Whether a value is long enough for {@link maskSecrets} to mask it. */
export const isMaskable = (secret: string): boolean => encoder.encode(secret).length >= MIN_SECRET_BYTES;

/** Layers of escapes that are undone: JSON in JSON in a URL has three. */
const MAX_LAYERS = 3;

export const MASK = '***';

/**
 * Replaces secrets in a text, whether they are raw, percent-encoded, escaped for JSON or HTML (up to three layers), or in
 * base64 or base64url at any offset, with or without padding.
 *
 * @param secrets values shorter than four bytes are ignored
 */
export const maskSecrets = (text: string, secrets: readonly string[]): string => {
  const needles = secrets.flatMap(formsOf);
  if (needles.length === 0) return text;
  const pieces = new Set(needles.flatMap(piecesOf));
  /** Needles that are too short to have pieces. */
  const words = [...new Set(needles.filter(({ length }) => length < PIECE_BYTES))];
  const isSecret = new Uint8Array(text.length);
  const mark = ({ starts, ends }: View, at: number, length: number): void => {
    isSecret.fill(1, starts[at], ends[at + length - 1]);
  };
  let view: View | undefined = toView(text);
  for (let layer = 0; view && layer <= MAX_LAYERS; layer += 1) {
    const { bytes } = view;
    for (let at = 0; at + PIECE_BYTES <= bytes.length; at += 1) {
      if (pieces.has(bytes.slice(at, at + PIECE_BYTES))) mark(view, at, PIECE_BYTES);
    }
    for (const word of words) {
      for (let at = bytes.indexOf(word); at >= 0; at = bytes.indexOf(word, at + 1)) mark(view, at, word.length);
    }
    view = unescaped(view);
  }
  return replaceMarked(text, isSecret);
};

/**
 * The secrets in a credential: its value, or the part after the scheme; the values of its parameters; and, if it is base64
 * of text (as in Basic), that text and its parts.
 *
 * @param value the header's value, such as `Bearer eyJ…`
 */
export const secretsOfCredential = (value: string): string[] => {
  const [, scheme = '', rest = ''] = /^([\w.-]+)\s+(\S.*)$/s.exec(value) ?? [];
  const isScheme = rest !== '' && (SCHEMES.has(scheme.toLowerCase()) || scheme.length < PIECE_BYTES);
  const secret = isScheme ? rest : value;
  // Digest, cookies: name="value", name=value; …
  const values = [...secret.matchAll(/=\s*["']?([^\s,;"'=]+)/g)].map(([, part = '']) => part);
  return [secret, ...values, ...pairOf(secret), ...[secret, ...values].flatMap(decodedParts)];
};

const SCHEMES = new Set(['basic', 'bearer', 'digest', 'negotiate', 'signature', 'api-token', 'access-token']);

/** The halves of `user:password`. */
const pairOf = (text: string): string[] => {
  const colon = text.indexOf(':');
  return colon < 0 ? [] : [text.slice(0, colon), text.slice(colon + 1)];
};

const decodedParts = (text: string): string[] => {
  const decoded = decodeBase64(text);
  // Otherwise it is not base64, or it encodes a binary key. The undecoded text is masked in any case.
  return /^\P{C}{4,}$/u.test(decoded) && !decoded.includes('\uFFFD') ? [decoded, ...pairOf(decoded)] : [];
};

/**
 * The secrets in a URL: user info, the values of its query, and path segments that look like tokens (at least twenty
 * characters, or eight including a digit).
 */
export const secretsOfUrl = (url: string): string[] => {
  const { username, password, search, pathname } = new URL(url);
  const user = [username, password].map(percentDecoded);
  const path = pathname.split('/').map(percentDecoded);
  const query = search
    .slice(1)
    .split('&')
    .flatMap((part) => {
      const equals = part.indexOf('=');
      const value = percentDecoded(part.slice(equals + 1));
      // In form encoding, "+" is a space.
      return [value, value.replaceAll('+', ' ')];
    });
  const pair = password === '' ? [] : [user.join(':')];
  return [...user, ...pair, ...query, ...path.filter(isTokenLike)];
};

const isTokenLike = (part: string): boolean => part.length >= 20 || (part.length >= 8 && /\d/.test(part));

/**
 * A redirect's target in a form safe to show: without user info and fragment, with its query masked.
 * @param location as received, absolute or relative
 */
export const maskLocation = (location: string): string => {
  const [address = ''] = location.split('#');
  const [base = '', query] = address.split(/\?(.*)/s);
  return `${base.replace(/^([a-z][a-z\d+.-]*:)?\/\/[^/]*@/i, '$1//')}${query === undefined ? '' : `?${MASK}`}`;
};

/** A text as UTF-8 bytes (one character per byte), each with the start and end of its source in the text. */
type View = { bytes: string; starts: number[]; ends: number[] };

const encoder = new TextEncoder();

const utf8 = (text: string): string => String.fromCharCode(...encoder.encode(text));

const toView = (text: string): View => {
  const view: View = { bytes: '', starts: [], ends: [] };
  let at = 0;
  for (const character of text) {
    add(view, utf8(character), at, at + character.length);
    at += character.length;
  }
  return view;
};

const add = (view: View, bytes: string, start: number, end: number): void => {
  view.bytes += bytes;
  for (let index = 0; index < bytes.length; index += 1) {
    view.starts.push(start);
    view.ends.push(end);
  }
};

/** Percent-encoding; escapes of JSON and JavaScript, surrogate pairs first; character references of HTML. */
const ESCAPE = new RegExp(
  [
    /%(?<percent>[\da-f]{2})/,
    /\\u(?<high>d[89ab][\da-f]{2})\\u(?<low>d[c-f][\da-f]{2})/,
    /\\u(?<unit>[\da-f]{4})/,
    /\\x(?<byte>[\da-f]{2})/,
    /\\(?<letter>["'\\/bfnrt])/,
    /&#x(?<hex>[\da-f]{1,6});/,
    /&#(?<decimal>\d{1,7});/,
    /&(?<entity>amp|lt|gt|quot|apos|nbsp);/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gi',
);

const LETTERS: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00A0' };

/** Undoes one layer of escapes; undefined if there is none. */
const unescaped = ({ bytes, starts, ends }: View): View | undefined => {
  const view: View = { bytes: '', starts: [], ends: [] };
  let at = 0;
  const copy = (until: number): void => {
    view.bytes += bytes.slice(at, until);
    view.starts.push(...starts.slice(at, until));
    view.ends.push(...ends.slice(at, until));
  };
  for (const match of bytes.matchAll(ESCAPE)) {
    copy(match.index);
    at = match.index + match[0].length;
    add(view, unescapedBytes(match), starts[match.index] ?? 0, ends[at - 1] ?? 0);
  }
  if (at === 0) return undefined;
  copy(bytes.length);
  return view;
};

/** The bytes that an escape stands for. @param match a match of {@link ESCAPE} */
const unescapedBytes = ({ 0: whole, groups = {} }: RegExpExecArray): string => {
  const { percent, byte, high, low, unit, letter, entity, hex, decimal } = groups;
  const code = (digits: string | undefined, radix: number) => Number.parseInt(digits ?? '', radix);
  if (percent ?? byte) return String.fromCharCode(code(percent ?? byte, 16));
  if (high) return utf8(String.fromCharCode(code(high, 16), code(low, 16)));
  if (unit) return utf8(String.fromCharCode(code(unit, 16)));
  if (letter) return LETTERS[letter] ?? letter;
  if (entity) return utf8(ENTITIES[entity.toLowerCase()] ?? whole);
  const point = hex ? code(hex, 16) : code(decimal, 10);
  return utf8(point <= 0x10ffff ? String.fromCodePoint(point) : whole);
};

/** The forms of a secret to search for, in bytes: the encodings that undoing escapes does not undo. */
const formsOf = (secret: string): string[] => {
  const bytes = utf8(secret);
  if (bytes.length < MIN_SECRET_BYTES) return [];
  // Headers are sent in Latin-1; in form encoding, "+" is a space.
  const latin1 = /^[\0-\xFF]*$/.test(secret) ? secret : bytes;
  const texts = [...new Set([bytes, latin1, bytes.replaceAll(' ', '+')])];
  return [...texts, ...[bytes, latin1].flatMap(base64FormsOf)].filter(({ length }) => length >= MIN_SECRET_BYTES);
};

/** Base64 of bytes at each offset within longer encoded data: the characters that do not depend on neighbouring bytes. */
const base64FormsOf = (bytes: string): string[] =>
  [0, 1, 2].flatMap((offset) => {
    const encoded = btoa('\0'.repeat(offset) + bytes);
    const form = encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
    return [form, form.replaceAll('+', '-').replaceAll('/', '_')];
  });

const decodeBase64 = (text: string): string => {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (byte) => byte.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  } catch {
    return '';
  }
};

const piecesOf = (needle: string): string[] =>
  Array.from({ length: Math.max(0, needle.length - PIECE_BYTES + 1) }, (_, at) => needle.slice(at, at + PIECE_BYTES));

const replaceMarked = (text: string, isMarked: Uint8Array): string => {
  let masked = '';
  for (let at = 0; at < text.length; at += 1) {
    if (!isMarked[at]) masked += text.charAt(at);
    else if (at === 0 || !isMarked[at - 1]) masked += MASK;
  }
  return masked;
};

import { MIMEType } from 'node:util';

/**
 * How the text of a response is decoded. Sources: WHATWG Encoding (labels, BOM), RFC 7303 and XML 1.0 appendix F
 * (a BOM overrides the declared charset, declarations in XML), HTML (declarations in meta), RFC 8259 §8.1 (JSON is UTF-8).
 */

/** RFC 6838 §4.2. */
const MAX_NAME_CHARACTERS = 127;

/** A media type in lower case, without its parameters; empty if absent or malformed. */
export const mediaTypeOf = (contentType: string | undefined): string => {
  try {
    const { type, subtype, essence } = new MIMEType(contentType ?? '');
    return Math.max(type.length, subtype.length) <= MAX_NAME_CHARACTERS ? essence : '';
  } catch {
    return '';
  }
};

export const isJsonType = (mediaType: string): boolean => /\+json$/.test(mediaType) || JSON_TYPES.has(mediaType);

const JSON_TYPES = new Set(['application/json', 'application/x-json', 'text/json', 'text/x-json']);

export const isXmlType = (mediaType: string): boolean => /^(?:application|text)\/xml$|\+xml$/.test(mediaType);

export const isTextType = (mediaType: string): boolean =>
  mediaType.startsWith('text/') || isXmlType(mediaType) || TEXT_TYPES.has(mediaType);

/** Text types under application/. */
const TEXT_TYPES = new Set(
  [
    'ecmascript',
    'graphql',
    'javascript',
    'json-seq',
    'jsonl',
    'ndjson',
    'sql',
    'toml',
    'x-javascript',
    'x-jsonlines',
    'x-ndjson',
    'x-www-form-urlencoded',
    'x-yaml',
    'yaml',
  ].map((subtype) => `application/${subtype}`),
);

/** The bytes are not valid in their declared or detected encoding. */
export class UndecodableText extends Error {
  override name = 'UndecodableText';
}

/**
 * The text of a response, decoded by its BOM, its declared charset, or a declaration inside XML or HTML, in this order, and
 * otherwise as UTF-8.
 *
 * @throws UndecodableText for bytes that do not decode (they are never replaced), and for unknown charsets (ignored for
 * JSON, which defines no charset parameter)
 */
export const decodeText = (bytes: Uint8Array, contentType: string | undefined): string => {
  const label = encodingOf(bytes, contentType);
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UndecodableText(`the text is not ${cutLabel(label)}`, { cause });
  }
};

/** The text of a response, for excerpts: bytes that do not decode become U+FFFD. */
export const decodeLeniently = (bytes: Uint8Array, contentType: string | undefined): string => {
  const label = encodingOf(bytes, contentType);
  return new TextDecoder(isKnown(label) ? label : 'utf-8').decode(bytes);
};

const cutLabel = (label: string): string => label.slice(0, 40);

const encodingOf = (bytes: Uint8Array, contentType: string | undefined): string => {
  const bom = bomOf(bytes);
  if (bom) return bom;
  const mediaType = mediaTypeOf(contentType);
  const declared = charsetOf(contentType);
  const isIgnored = declared !== undefined && isJsonType(mediaType) && !isKnown(declared);
  if (declared !== undefined && !isIgnored) return withByteOrder(declared, bytes);
  return declarationOf(bytes, mediaType) ?? 'utf-8';
};

/** More lenient than `MIMEType`, because servers send `charset = utf-8` and `charset='utf-8'`. */
const charsetOf = (contentType: string | undefined): string | undefined =>
  /;\s*charset\s*=\s*["']?([^"',;\s]+)/i.exec(contentType ?? '')?.[1]?.toLowerCase();

const isKnown = (label: string): boolean => {
  try {
    new TextDecoder(label);
    return true;
  } catch {
    return false;
  }
};

const BOMS: readonly (readonly [encoding: string, ...bytes: number[]])[] = [
  ['utf-8', 0xef, 0xbb, 0xbf],
  // Checked before UTF-16, whose BOM is a prefix of it. TextDecoder does not support UTF-32, so it fails to decode.
  ['utf-32', 0xff, 0xfe, 0, 0],
  ['utf-16le', 0xff, 0xfe],
  ['utf-16be', 0xfe, 0xff],
];

const bomOf = (bytes: Uint8Array): string | undefined =>
  BOMS.find(([, ...bom]) => bom.every((byte, index) => bytes[index] === byte))?.[0];

/** "UTF-16" without a BOM does not specify a byte order. A text that begins with an ASCII character reveals it. */
const withByteOrder = (label: string, bytes: Uint8Array): string =>
  label === 'utf-16' && bytes[0] === 0 && bytes[1] !== 0 ? 'utf-16be' : label;

/** The encoding declared at the start of XML or HTML, or revealed by the first characters of XML or JSON in UTF-16. */
const declarationOf = (bytes: Uint8Array, mediaType: string): string | undefined => {
  const head = String.fromCharCode(...bytes.subarray(0, 1024));
  if (head.startsWith('<\0?\0')) return 'utf-16le';
  if (head.startsWith('\0<\0?')) return 'utf-16be';
  // JSON begins with an ASCII character and contains no NUL (RFC 4627 §3 detects encodings this way).
  if (isJsonType(mediaType) && head.length > 1 && head.slice(0, 2).includes('\0')) {
    return head.startsWith('\0') ? 'utf-16be' : 'utf-16le';
  }
  const isHtml = mediaType === 'text/html' || mediaType === 'application/xhtml+xml';
  const declared =
    /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)["']/.exec(head)?.[1] ??
    (isHtml ? /<meta\s[^>]*?charset\s*=\s*["']?([\w.:-]+)/i.exec(head)?.[1] : undefined);
  // A declaration that is readable as ASCII is not UTF-16, whatever it says.
  return declared && !/^utf-?16/i.test(declared) ? declared.toLowerCase() : undefined;
};

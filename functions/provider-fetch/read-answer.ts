import { decodeText, isJsonType, isTextType, mediaTypeOf } from '@boomerang/core/domain/text-encoding.ts';

/** The answer is not what its headers say. */
export class UnreadableAnswer extends Error {
  override name = 'UnreadableAnswer';
}

export type JsonText = {
  json: string;
  /** The bytes that count: those of the data, without the frame that binary data gets. */
  bytes: number;
  /** The value, where reading the answer parsed it. */
  value?: unknown;
};

/**
 * A provider's answer as JSON text. JSON is checked and passed on as it came, other text becomes a JSON string, and anything
 * else an object with its content type and its bytes in base64. An empty answer is null, whatever its type.
 *
 * @param contentType of the answer; where there is none, JSON is tried before text, and text before binary
 * @throws UnreadableAnswer for JSON that does not parse
 * @throws UndecodableText for text whose bytes do not decode
 */
export const toJsonText = (body: Buffer, contentType: string | undefined): JsonText => {
  if (body.length === 0) return NOTHING;
  const mediaType = mediaTypeOf(contentType);
  if (mediaType === '') return sniffed(body);
  if (isJsonType(mediaType)) return parsed(decodeText(body, contentType));
  if (isTextType(mediaType)) return plain(JSON.stringify(decodeText(body, contentType)));
  return toBinary(body, (contentType ?? '').trim());
};

/**
 * An answer that has to be a JSON document, because something is selected from it. Its content type is not asked for: some
 * servers send JSON as text. An empty answer is null.
 *
 * @throws UnreadableAnswer for what is no JSON
 * @throws UndecodableText for text whose bytes do not decode
 */
export const toJsonDocument = (body: Buffer, contentType: string | undefined): JsonText =>
  body.length === 0 ? NOTHING : parsed(decodeText(body, contentType));

const NOTHING: JsonText = { json: 'null', bytes: 4, value: null };

const plain = (json: string): JsonText => ({ json, bytes: Buffer.byteLength(json) });

const parsed = (text: string): JsonText => {
  // Nothing but a BOM is an empty answer.
  if (text === '') return NOTHING;
  try {
    return { ...plain(text), value: JSON.parse(text) };
  } catch {
    // Its message would quote the answer.
    throw new UnreadableAnswer('the JSON does not parse');
  }
};

/** RFC 9110 §8.3: without a content type, the recipient may look at the data. */
const sniffed = (body: Buffer): JsonText => {
  let text: string;
  try {
    text = decodeText(body, undefined);
  } catch {
    return toBinary(body, UNKNOWN_TYPE);
  }
  try {
    return parsed(text);
  } catch {
    return BINARY_CHARACTER.test(text) ? toBinary(body, UNKNOWN_TYPE) : plain(JSON.stringify(text));
  }
};

const UNKNOWN_TYPE = 'application/octet-stream';

/** Longer types lose their parameters. */
const MAX_TYPE_CHARACTERS = 255;

/** Control characters that no text has (WHATWG MIME Sniffing, "binary data byte"). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const BINARY_CHARACTER = /[\0-\x08\x0B\x0E-\x1A\x1C-\x1F]/;

const toBinary = (body: Buffer, type: string): JsonText => {
  const base64 = body.toString('base64');
  const contentType = type.length > MAX_TYPE_CHARACTERS ? mediaTypeOf(type) : type;
  return { json: JSON.stringify({ contentType, base64 }), bytes: base64.length };
};

import { decodeText, isJsonType, isTextType, mediaTypeOf } from '@boomerang/core/domain/text-encoding.ts';

/** The body does not match its content type. */
export class UnreadableResponse extends Error {
  override name = 'UnreadableResponse';
}

export type JsonText = {
  json: string;
  /** The size of the data, without the object that wraps binary data. */
  bytes: number;
  /** The value; absent unless the response was parsed. */
  value?: unknown;
};

/**
 * Converts a provider's response to JSON text. JSON is checked and passed on unchanged. Other text becomes a JSON string.
 * Anything else becomes an object with the content type and the bytes in base64. An empty response is null, whatever its type.
 *
 * @param contentType if undefined, the body is tried as JSON, then as text, then as binary
 * @throws UnreadableResponse for JSON that does not parse
 * @throws UndecodableText for text whose bytes do not decode
 */
export const toJsonText = (body: Buffer, contentType: string | undefined): JsonText => {
  if (body.length === 0) return NOTHING;
  const mediaType = mediaTypeOf(contentType);
  if (mediaType === '') return readUntyped(body);
  if (isJsonType(mediaType)) return readJson(decodeText(body, contentType));
  if (isTextType(mediaType)) return toSized(JSON.stringify(decodeText(body, contentType)));
  return toBinary(body, (contentType ?? '').trim());
};

/**
 * Reads a response that must be a JSON document because values are selected from it. The media type is ignored: some servers
 * send JSON as text. An empty response is null.
 *
 * @throws UnreadableResponse if it is not JSON
 * @throws UndecodableText for text whose bytes do not decode
 */
export const toJsonDocument = (body: Buffer, contentType: string | undefined): JsonText =>
  body.length === 0 ? NOTHING : readJson(decodeText(body, contentType));

const NOTHING: JsonText = { json: 'null', bytes: 4, value: null };

const toSized = (json: string): JsonText => ({ json, bytes: Buffer.byteLength(json) });

const readJson = (text: string): JsonText => {
  // A body with only a BOM is an empty response.
  if (text === '') return NOTHING;
  try {
    return { ...toSized(text), value: JSON.parse(text) };
  } catch {
    // The SyntaxError is dropped because its message quotes the response.
    throw new UnreadableResponse('the JSON does not parse');
  }
};

/** Reads a response without a content type: its recipient may examine the data (RFC 9110 §8.3). */
const readUntyped = (body: Buffer): JsonText => {
  let text: string;
  try {
    text = decodeText(body, undefined);
  } catch {
    return toBinary(body, UNKNOWN_TYPE);
  }
  try {
    return readJson(text);
  } catch {
    return BINARY_CHARACTER.test(text) ? toBinary(body, UNKNOWN_TYPE) : toSized(JSON.stringify(text));
  }
};

const UNKNOWN_TYPE = 'application/octet-stream';

/** A longer content type is cut to its media type. */
const MAX_TYPE_CHARACTERS = 255;

/** Control characters that do not occur in text (WHATWG MIME Sniffing, "binary data byte"). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const BINARY_CHARACTER = /[\0-\x08\x0B\x0E-\x1A\x1C-\x1F]/;

const toBinary = (body: Buffer, type: string): JsonText => {
  const base64 = body.toString('base64');
  const contentType = type.length > MAX_TYPE_CHARACTERS ? mediaTypeOf(type) : type;
  return { json: JSON.stringify({ contentType, base64 }), bytes: base64.length };
};

import { decodeText, isJsonType, isTextType, mediaTypeOf } from '@boomerang/core/domain/text-encoding.ts';

/** The answer is not what its headers say. */
export class UnreadableAnswer extends Error {
  override name = 'UnreadableAnswer';
}

/** JSON text, and the bytes of it that count: those of the data, without the frame that binary data gets. */
export type JsonText = { json: string; bytes: number };

/**
 * A provider's answer as JSON text. JSON is checked and passed on as it came, other text becomes a JSON string, and anything
 * else an object with its content type and its bytes in base64. An empty answer is null, whatever its type.
 *
 * @param contentType of the answer; where there is none, JSON is tried before text, and text before binary
 * @throws UnreadableAnswer for JSON that does not parse
 * @throws UndecodableText for text whose bytes do not decode
 */
export const toJsonText = (body: Buffer, contentType: string | undefined): JsonText => {
  if (body.length === 0) return plain('null');
  const mediaType = mediaTypeOf(contentType);
  if (mediaType === '') return sniffed(body);
  if (isJsonType(mediaType)) return plain(checkJson(decodeText(body, contentType)));
  if (isTextType(mediaType)) return plain(JSON.stringify(decodeText(body, contentType)));
  return toBinary(body, (contentType ?? '').trim());
};

const plain = (json: string): JsonText => ({ json, bytes: Buffer.byteLength(json) });

const checkJson = (text: string): string => {
  // Nothing but a BOM is an empty answer.
  if (text === '') return 'null';
  try {
    JSON.parse(text);
  } catch {
    // Its message would quote the answer.
    throw new UnreadableAnswer('the JSON does not parse');
  }
  return text;
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
    return plain(checkJson(text));
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

import { isUtf8 } from 'node:buffer';

/** The answer claims to be JSON, but does not parse. */
export class UnreadableAnswer extends Error {
  override name = 'UnreadableAnswer';
}

/**
 * A provider's answer as JSON text. JSON is checked and passed on as it came; any other text becomes a JSON string; an
 * answer without content is null.
 *
 * @param contentType of the answer; where there is none, JSON is tried before text
 * @throws UnreadableAnswer for JSON that does not parse
 */
export const toJsonText = (body: Buffer, contentType = '', statusCode = 200): string => {
  if (body.length === 0 && (statusCode === 204 || statusCode === 205)) return 'null';
  const [mediaType = '', ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase());
  if (/^application\/(?:[\w.+-]+\+)?json$/.test(mediaType)) return checkJson(body);
  if (mediaType === '') {
    try {
      return checkJson(body);
    } catch {
      // No type, and not JSON: it is text.
    }
  }
  return JSON.stringify(decode(body, parameters));
};

const checkJson = (body: Buffer): string => {
  // JSON between systems is UTF-8 (RFC 8259 §8.1); the byte order mark that some add is not part of it.
  if (!isUtf8(body)) throw new UnreadableAnswer('the JSON is not UTF-8');
  const text = body.toString('utf8').replace(/^\uFEFF/, '');
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new UnreadableAnswer('the JSON does not parse', { cause });
  }
  return text;
};

const decode = (body: Buffer, parameters: string[]): string => {
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  try {
    return new TextDecoder(charset?.replaceAll('"', '') || 'utf-8').decode(body);
  } catch {
    return new TextDecoder().decode(body);
  }
};

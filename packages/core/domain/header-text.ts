/**
 * The text of a header that names a URL. Such headers should be ASCII (RFC 3986), but some servers send what should be
 * percent-encoded as it is, in UTF-8, as browsers accept it.
 *
 * @param value as HTTP clients hand it over, a character for each byte
 * @returns the same value where it is no UTF-8
 */
export const decodeHeader = (value: string): string => {
  if (!/^[\0-\xFF]*[\x80-\xFF][\0-\xFF]*$/.test(value)) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(
      Uint8Array.from(value, (character) => character.charCodeAt(0)),
    );
  } catch {
    return value;
  }
};

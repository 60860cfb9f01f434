/**
 * Decodes a header that contains a URL. Such headers should be ASCII (RFC 3986), but some servers send raw UTF-8 instead of
 * percent-encoding it, and browsers accept that.
 *
 * @param value as HTTP clients return it, one character per byte
 * @returns the value unchanged if it is not UTF-8
 */
export const decodeHeader = (value: string): string => {
  const isBytes = /^[\0-\xFF]*$/.test(value);
  const isAscii = /^[\0-\x7F]*$/.test(value);
  if (isAscii || !isBytes) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(
      Uint8Array.from(value, (character) => character.charCodeAt(0)),
    );
  } catch {
    return value;
  }
};

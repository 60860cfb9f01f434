/**
 * The first characters of a text, cut between code points.
 *
 * @param max UTF-16 code units, as `length` counts them
 * @returns well-formed Unicode: lone surrogates become U+FFFD
 */
export const cutText = (text: string, max: number): string => {
  const isSplit = /[\uD800-\uDBFF]/.test(text.charAt(max - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(max));
  return text.slice(0, isSplit ? max - 1 : max).toWellFormed();
};

/** The text without percent-encoding (RFC 3986 §2.1), or as it is if its encoding is malformed. */
export const percentDecoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** The text without a byte order mark, which a JSON parser may ignore (RFC 8259 §8.1). */
export const withoutBom = (text: string): string => text.replace(/^\uFEFF/, '');

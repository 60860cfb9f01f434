import { MAX_EXCERPT_CHARACTERS } from './failures.ts';
import { maskLocation, maskSecrets } from './mask.ts';
import { cutText } from './text.ts';
import { decodeLeniently } from './text-encoding.ts';

/** How much of a body is read for an excerpt: what is masked in it gets shorter. */
const MAX_READ_BYTES = 4096;

/** Where the reading stopped, the first characters of a secret may stand that are too few to be recognised. */
const CUT_OFF_CHARACTERS = 8;

/** Control characters, and those that break lines or turn the direction of text: readers of logs stumble over them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
const UNPRINTABLE = /[\0-\x1F\x7F-\x9F\u2028\u2029\u202A-\u202E\u2066-\u2069\uFEFF]/g;

/** A text of a third party as it may be stored and shown: masked first, then cut, without control characters. */
export const excerptOf = (text: string, secrets: readonly string[]): string =>
  cutText(maskSecrets(text, secrets).replaceAll(UNPRINTABLE, ' '), MAX_EXCERPT_CHARACTERS);

/** What an excerpt is made of. */
export type QuotedAnswer = {
  statusCode: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  body: Uint8Array;
  /** Set if the body is not whole. */
  bodyFailure?: unknown;
};

/**
 * What a third party answered, to its first characters; of a redirect also where it pointed.
 * @param secrets what must not be shown: see `mask.ts`
 */
export const excerptOfAnswer = (
  { statusCode, headers, body, bodyFailure }: QuotedAnswer,
  secrets: readonly string[],
): string => {
  const read = decodeLeniently(body.subarray(0, MAX_READ_BYTES), headers['content-type']);
  const isCut = body.length > MAX_READ_BYTES || bodyFailure !== undefined;
  const masked = maskSecrets(read, secrets);
  const text = excerptOf(isCut ? cutText(masked, Math.max(0, masked.length - CUT_OFF_CHARACTERS)) : masked, secrets);
  const isRedirect = statusCode >= 300 && statusCode < 400 && headers.location !== undefined;
  return isRedirect ? `${excerptOf(`to ${maskLocation(headers.location ?? '')}`, secrets)} ${text}`.trimEnd() : text;
};

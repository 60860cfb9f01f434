import { MAX_EXCERPT_CHARACTERS } from './failures.ts';
import { maskLocation, maskSecrets } from './mask.ts';
import { cutText } from './text.ts';
import { decodeLeniently } from './text-encoding.ts';

/** How much of a body is read for an excerpt: more than is shown, because masking shortens it. */
const MAX_READ_BYTES = 4096;

/** How much of the end of an incomplete text is dropped: it may be the start of a secret, too short to be recognised. */
const CUT_OFF_CHARACTERS = 8;

/** Control characters, line separators and direction overrides, which would garble logs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
const UNPRINTABLE = /[\0-\x1F\x7F-\x9F\u2028\u2029\u202A-\u202E\u2066-\u2069\uFEFF]/g;

/** A third party's text in a form safe to store and show: masked, without control characters, then cut. */
export const excerptOf = (text: string, secrets: readonly string[]): string =>
  cutText(maskSecrets(text, secrets).replaceAll(UNPRINTABLE, ' '), MAX_EXCERPT_CHARACTERS);

/** The parts of a response that an excerpt is made from. */
export type QuotedResponse = {
  statusCode: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  body: Uint8Array;
  /** Set if the body is incomplete. */
  bodyFailure?: unknown;
};

/**
 * The first characters of a third party's response, and the target of a redirect.
 * @param secrets to mask: see `mask.ts`
 */
export const excerptOfResponse = (
  { statusCode, headers, body, bodyFailure }: QuotedResponse,
  secrets: readonly string[],
): string => {
  const decoded = decodeLeniently(body.subarray(0, MAX_READ_BYTES), headers['content-type']);
  const isCut = body.length > MAX_READ_BYTES || bodyFailure !== undefined;
  const masked = maskSecrets(decoded, secrets);
  const text = excerptOf(isCut ? cutText(masked, Math.max(0, masked.length - CUT_OFF_CHARACTERS)) : masked, secrets);
  const isRedirect = statusCode >= 300 && statusCode < 400 && headers.location !== undefined;
  return isRedirect ? `${excerptOf(`to ${maskLocation(headers.location ?? '')}`, secrets)} ${text}`.trimEnd() : text;
};

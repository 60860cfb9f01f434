import { excerptOf, excerptOfResponse, type QuotedResponse } from '@boomerang/core/domain/excerpt.ts';
import { isMaskable } from '@boomerang/core/domain/mask.ts';

/** Quotes third-party responses as excerpts with secrets masked. */
export type Quote = {
  text: (text: string) => string;
  response: (response: QuotedResponse) => string;
};

/**
 * Creates the quotes of one response.
 *
 * @param findSecrets the values to mask, except those too short to mask (see `mask.ts`); called only when something is quoted
 * @param neverShown values that must not appear however short they are: if one is too short to mask, nothing is quoted
 */
export const createQuote = (findSecrets: () => readonly string[], neverShown: readonly string[] = []): Quote => {
  if (neverShown.some((value) => value !== '' && !isMaskable(value)))
    return { text: () => HIDDEN, response: () => HIDDEN };
  const secrets = () => [...findSecrets(), ...neverShown];
  return { text: (text) => excerptOf(text, secrets()), response: (response) => excerptOfResponse(response, secrets()) };
};

const HIDDEN = '(not shown: it may hold a parameter that is too short to be masked)';

import { excerptOf, excerptOfAnswer, type QuotedAnswer } from '@boomerang/core/domain/excerpt.ts';
import { isMaskable } from '@boomerang/core/domain/mask.ts';

/** Quotes what third parties answered in excerpts, without what must not be shown. */
export type Quote = {
  text: (text: string) => string;
  answer: (answer: QuotedAnswer) => string;
};

/**
 * @param secrets what is masked in every quotation, but for values so short that masking them would leave little of any text:
 * see `mask.ts`
 * @param always what is never shown: if one of these values is that short, nothing is quoted
 */
export const createQuote = (secrets: readonly string[], always: readonly string[] = []): Quote => {
  if (always.some((value) => value !== '' && !isMaskable(value))) return { text: () => HIDDEN, answer: () => HIDDEN };
  const all = [...secrets, ...always];
  return { text: (text) => excerptOf(text, all), answer: (answer) => excerptOfAnswer(answer, all) };
};

const HIDDEN = '(not shown: it may hold a parameter that is too short to be masked)';

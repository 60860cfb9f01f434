import { excerptOf, excerptOfAnswer, type QuotedAnswer } from '@boomerang/core/domain/excerpt.ts';
import { isMaskable } from '@boomerang/core/domain/mask.ts';

/** Quotes what third parties answered in excerpts, without what must not be shown. */
export type Quote = {
  text: (text: string) => string;
  answer: (answer: QuotedAnswer) => string;
};

/**
 * @param findSecrets what is masked in every quotation, but for values so short that masking them would leave little of any
 * text (see `mask.ts`); it is asked only when something is quoted
 * @param always what is never shown: if one of these values is that short, nothing is quoted
 */
export const createQuote = (findSecrets: () => readonly string[], always: readonly string[] = []): Quote => {
  if (always.some((value) => value !== '' && !isMaskable(value))) return { text: () => HIDDEN, answer: () => HIDDEN };
  const secrets = () => [...findSecrets(), ...always];
  return { text: (text) => excerptOf(text, secrets()), answer: (answer) => excerptOfAnswer(answer, secrets()) };
};

const HIDDEN = '(not shown: it may hold a parameter that is too short to be masked)';

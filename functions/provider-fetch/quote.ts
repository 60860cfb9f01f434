import { excerptOf, excerptOfAnswer, type QuotedAnswer } from '@boomerang/core/domain/excerpt.ts';

/** Quotes what third parties answered in excerpts, without what must not be shown. */
export type Quote = {
  text: (text: string) => string;
  answer: (answer: QuotedAnswer) => string;
};

/** @param secrets what is masked in every quotation: see `mask.ts` */
export const createQuote = (secrets: readonly string[]): Quote => ({
  text: (text) => excerptOf(text, secrets),
  answer: (answer) => excerptOfAnswer(answer, secrets),
});

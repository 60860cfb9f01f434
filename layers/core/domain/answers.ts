/** How answers of third parties are read. Sources: RFC 9110 §10.2.3 (Retry-After), §15; Standard Webhooks (410). */

/** How a provider's status code is read. Redirects are never followed: a provider that moved is one that can't answer now. */
export type ProviderVerdict = 'given' | 'refused' | 'unavailable';

const TRANSIENT = new Set([408, 425, 429]);

export const judgeProviderStatus = (statusCode: number): ProviderVerdict => {
  if (statusCode >= 200 && statusCode < 300) return 'given';
  if (statusCode >= 400 && statusCode < 500 && !TRANSIENT.has(statusCode)) return 'refused';
  return 'unavailable';
};

export type CallbackVerdict = 'delivered' | 'gone' | 'throttled' | 'unavailable' | 'rejected';

export const judgeCallbackAnswer = (
  statusCode: number,
  { hasRetryAfter, isAborted }: { hasRetryAfter: boolean; isAborted: boolean },
): CallbackVerdict => {
  if (statusCode >= 200 && statusCode < 300) return 'delivered';
  if (statusCode === 410 || isAborted) return 'gone';
  if (hasRetryAfter || asksToWait(statusCode)) return 'throttled';
  if (statusCode === 408 || statusCode === 425 || statusCode >= 500) return 'unavailable';
  return 'rejected';
};

/** 429 and 503 ask for patience, with or without a Retry-After. */
export const asksToWait = (statusCode: number): boolean => statusCode === 429 || statusCode === 503;

/**
 * A Retry-After header in milliseconds from now.
 *
 * @param value delay seconds, or an HTTP date
 * @returns undefined for an absent or unreadable value; 0 for a date that has passed
 */
export const parseRetryAfter = (value: string | undefined, now: number): number | undefined => {
  const text = value?.trim();
  if (!text) return undefined;
  if (/^\d+$/.test(text)) return Math.min(Number(text), MAX_RETRY_AFTER_SECONDS) * 1000;
  // Date.parse makes a date of almost anything with a number in it, and takes the form without a zone for local time.
  const isDate = /^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .*\d\d:\d\d/i.test(text);
  const date = isDate ? Date.parse(/ \d{4}$/.test(text) ? `${text} GMT` : text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), MAX_RETRY_AFTER_SECONDS * 1000);
};

/** Hints are capped by the schedule anyway; this one keeps them safe integers. */
const MAX_RETRY_AFTER_SECONDS = 365 * 24 * 3600;

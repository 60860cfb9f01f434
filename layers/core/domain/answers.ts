/** How answers of third parties are read. Sources: RFC 9110 §10.2.3 (Retry-After), §15; Standard Webhooks (410). */

/**
 * How a provider's status code is read. Redirects are never followed: a provider that moved is one that can't answer now.
 * `not_ready` is a success without the data: accepted for later, or a part that was not asked for.
 */
export type ProviderVerdict = 'given' | 'empty' | 'not_ready' | 'refused' | 'unavailable';

const TRANSIENT = new Set([408, 425, 429]);
/** Their content, if there is any, is not the resource's (RFC 9110 §15.3.5, §15.3.6). */
const EMPTY = new Set([204, 205]);
/** Accepted, Partial Content, IM Used (RFC 3229). */
const NOT_READY = new Set([202, 206, 226]);

export const judgeProviderStatus = (statusCode: number): ProviderVerdict => {
  if (EMPTY.has(statusCode)) return 'empty';
  if (NOT_READY.has(statusCode)) return 'not_ready';
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
 * How long the other side asks us to wait, in milliseconds from now: the longest of Retry-After and the rate-limit fields.
 *
 * @param headers names in lower case
 * @returns undefined where it does not ask
 */
export const readHint = (
  headers: Readonly<Record<string, string | undefined>>,
  statusCode: number,
  now: number,
): number | undefined => {
  const hints = [parseRetryAfter(headers['retry-after'], now), ...rateLimitHints(headers, statusCode, now)];
  const known = hints.filter((hint) => hint !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
};

/**
 * A Retry-After header in milliseconds from now.
 *
 * @param value delay seconds, rounded up if they are fractional, or an HTTP date
 * @returns undefined for an absent or unreadable value; 0 for a date that has passed
 */
export const parseRetryAfter = (value: string | undefined, now: number): number | undefined => {
  const text = value?.trim();
  if (!text) return undefined;
  if (SECONDS.test(text)) return toMs(Number(text));
  // Date.parse makes a date of almost anything with a number in it, and takes the form without a zone for local time.
  const isDate = /^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .*\d\d:\d\d/i.test(text);
  const date = isDate ? Date.parse(/ \d{4}$/.test(text) ? `${text} GMT` : text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), MAX_HINT_SECONDS * 1000);
};

const SECONDS = /^(?:\d+(?:\.\d*)?|\.\d+)$/;

const toMs = (seconds: number): number => Math.min(Math.ceil(seconds), MAX_HINT_SECONDS) * 1000;

/** Hints are capped by the schedule anyway; this one keeps them safe integers. */
const MAX_HINT_SECONDS = 365 * 24 * 3600;

/** What a rate-limit field says of one quota, as text. */
type Quota = { remaining?: string | undefined; reset?: string | undefined };

/**
 * When used-up quotas are renewed, by draft-ietf-httpapi-ratelimit-headers in its three forms: `RateLimit-Reset: 30`, `RateLimit:
 * limit=10, remaining=0, reset=30` (07), `RateLimit: "default";r=0;t=30` (since 08). The fields come with answers of any kind:
 * with quota left they ask for nothing, unless the status does.
 */
const rateLimitHints = (
  headers: Readonly<Record<string, string | undefined>>,
  statusCode: number,
  now: number,
): number[] => {
  const field = (headers.ratelimit ?? '').replaceAll(/"[^"]*"/g, '');
  const quotas: Quota[] = [
    { remaining: headers['ratelimit-remaining'], reset: headers['ratelimit-reset'] },
    { remaining: parameterIn(field, /\bremaining=([\d.]+)/), reset: parameterIn(field, /\breset=([\d.]+)/) },
    ...field
      .split(',')
      .map((item) => ({ remaining: parameterIn(item, /;\s*r=([\d.]+)/), reset: parameterIn(item, /;\s*t=([\d.]+)/) })),
  ].filter(({ reset }) => reset !== undefined);
  const usedUp = quotas.filter(({ remaining = '0' }) => !(Number.parseFloat(remaining) > 0));
  const asking = usedUp.length === 0 && asksToWait(statusCode) ? quotas : usedUp;
  // A field that was sent twice arrives as a list.
  const seconds = asking.flatMap(({ reset = '' }) => reset.split(',').map((part) => part.trim()));
  return seconds.filter((part) => SECONDS.test(part)).map((part) => toMs(fromNow(Number(part), now)));
};

const parameterIn = (text: string, pattern: RegExp): string | undefined => pattern.exec(text)?.[1];

/** Seconds, or, where that would be decades, epoch seconds: some send the time itself. */
const fromNow = (seconds: number, now: number): number => (seconds > 1e9 ? Math.max(0, seconds - now / 1000) : seconds);

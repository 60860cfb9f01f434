import type { Provider, Verdict } from './catalogue/provider-schema.ts';

/** How responses of providers and receivers are read (RFC 9110 §10.2.3 Retry-After, §15; Standard Webhooks: 410). */

/**
 * What a provider's status code means. Redirects are never followed: a provider that moved is unavailable. `not_ready` is a
 * success without the requested data: accepted for later, or partial content.
 */
export type ProviderVerdict = 'data' | 'empty' | 'not_ready' | 'refused' | 'unavailable';

const TRANSIENT = new Set([408, 425, 429]);
/** No Content, Reset Content: a body, if any, is not the requested data (RFC 9110 §15.3.5, §15.3.6). */
const EMPTY = new Set([204, 205]);
/** Accepted, Partial Content, IM Used (RFC 3229): the body is not the whole of the requested data. */
const NOT_READY = new Set([202, 206, 226]);

export const judgeProviderStatus = (statusCode: number): ProviderVerdict => {
  if (EMPTY.has(statusCode)) return 'empty';
  if (NOT_READY.has(statusCode)) return 'not_ready';
  if (statusCode >= 200 && statusCode < 300) return 'data';
  if (statusCode >= 400 && statusCode < 500 && !TRANSIENT.has(statusCode)) return 'refused';
  return 'unavailable';
};

/** @property isStated whether the verdict comes from the catalogue; otherwise it comes from HTTP */
export type StatusVerdict = { kind: Verdict | 'not_ready'; isStated: boolean };

/**
 * What a provider's status code means by its catalogue or, by default, by HTTP.
 * @param responses verdicts by status code or class (`4xx`); a code takes precedence over its class
 */
export const judgeStatus = (
  statusCode: number,
  responses: Readonly<Partial<Record<string, Verdict>>> = {},
): StatusVerdict => {
  const stated = responses[statusCode] ?? responses[`${Math.floor(statusCode / 100)}xx`];
  if (stated !== undefined) return { kind: stated, isStated: true };
  return { kind: judgeProviderStatus(statusCode), isStated: false };
};

export type CallbackVerdict = 'delivered' | 'gone' | 'throttled' | 'unavailable' | 'rejected';

export const judgeCallbackResponse = (
  statusCode: number,
  { hasRetryAfter, isAborted }: { hasRetryAfter: boolean; isAborted: boolean },
): CallbackVerdict => {
  if (statusCode >= 200 && statusCode < 300) return 'delivered';
  if (statusCode === 410 || isAborted) return 'gone';
  if (hasRetryAfter || asksToWait(statusCode)) return 'throttled';
  if (statusCode === 408 || statusCode === 425 || statusCode >= 500) return 'unavailable';
  return 'rejected';
};

/** 429 and 503 ask the caller to wait, with or without a Retry-After. */
export const asksToWait = (statusCode: number): boolean => statusCode === 429 || statusCode === 503;

/** A provider-specific header that says when to retry. */
export type RateLimitReset = NonNullable<Provider['rateLimitReset']>;

/**
 * How long the other side asks us to wait, milliseconds: the longest of Retry-After, the rate-limit fields and a
 * provider-specific header.
 *
 * @param headers names in lower case
 * @param options `isThrottled`: whether the response itself asks to wait, as 429 and 503 do; then rate-limit fields count even
 * if they report remaining quota. `reset`: the provider-specific header; a standard header of that name is ignored.
 * @returns undefined if there is no hint
 */
export const readHint = (
  headers: Readonly<Record<string, string | undefined>>,
  statusCode: number,
  now: number,
  { isThrottled = asksToWait(statusCode), reset }: { isThrottled?: boolean; reset?: RateLimitReset | undefined } = {},
): number | undefined => {
  const resetHeader = reset?.header.toLowerCase() ?? '';
  const standard = resetHeader === '' ? headers : { ...headers, [resetHeader]: undefined };
  const hints = [
    parseRetryAfter(standard['retry-after'], now),
    ...rateLimitHints(standard, isThrottled, now),
    reset && resetHint(headers, resetHeader, reset.unit, isThrottled, now),
  ];
  const known = hints.filter((hint) => hint !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
};

/**
 * The hint in a provider-specific header. Many providers send it with every response, together with the remaining quota
 * (`x-ratelimit-remaining` with `x-ratelimit-reset`). While quota remains, it is ignored unless the response itself asks to
 * wait.
 */
const resetHint = (
  headers: Readonly<Record<string, string | undefined>>,
  name: string,
  unit: RateLimitReset['unit'],
  isThrottled: boolean,
  now: number,
): number | undefined => {
  const remaining = name.includes('reset') ? headers[name.replace('reset', 'remaining')] : undefined;
  if (!isThrottled && Number.parseFloat(remaining ?? '') > 0) return undefined;
  const value = headers[name]?.trim() ?? '';
  if (unit === 'date') return parseRetryAfter(SECONDS.test(value) ? '' : value, now) ?? parseIsoDate(value, now);
  if (!SECONDS.test(value)) return undefined;
  if (unit === 'seconds') return toMs(Number(value));
  // Some providers send epoch milliseconds.
  const seconds = Number(value) > MAX_EPOCH_SECONDS ? Number(value) / 1000 : Number(value);
  return toMs(Math.max(0, seconds - now / 1000));
};

/** A time in the year 5138: a larger value must be in milliseconds. */
const MAX_EPOCH_SECONDS = 1e11;

/** ISO 8601; UTC if it has no zone. */
const parseIsoDate = (value: string, now: number): number | undefined => {
  if (!/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(value)) return undefined;
  const date = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/i.test(value) ? value : `${value}Z`);
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), MAX_HINT_SECONDS * 1000);
};

/**
 * A Retry-After header in milliseconds from now.
 *
 * @param value seconds (fractions are rounded up) or an HTTP date
 * @returns undefined for an absent or unreadable value; 0 for a past date
 */
export const parseRetryAfter = (value: string | undefined, now: number): number | undefined => {
  const text = value?.trim();
  if (!text) return undefined;
  if (SECONDS.test(text)) return toMs(Number(text));
  // Date.parse accepts almost any text with a number, and reads dates without a zone as local time.
  const isDate = /^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .*\d\d:\d\d/i.test(text);
  const date = isDate ? Date.parse(/ \d{4}$/.test(text) ? `${text} GMT` : text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), MAX_HINT_SECONDS * 1000);
};

const SECONDS = /^(?:\d+(?:\.\d*)?|\.\d+)$/;

const toMs = (seconds: number): number => Math.min(Math.ceil(seconds), MAX_HINT_SECONDS) * 1000;

/** A year. The schedule caps hints at much less; this cap only keeps them safe integers. */
const MAX_HINT_SECONDS = 365 * 24 * 3600;

/** One quota of a rate-limit field, as text. */
type Quota = { remaining?: string | undefined; reset?: string | undefined };

/**
 * When exhausted quotas reset, by draft-ietf-httpapi-ratelimit-headers in its three forms: `RateLimit-Reset: 30`,
 * `RateLimit: limit=10, remaining=0, reset=30` (07), `RateLimit: "default";r=0;t=30` (since 08). Responses of any kind have
 * these fields. While quota remains, they are ignored unless the response itself asks to wait.
 */
const rateLimitHints = (
  headers: Readonly<Record<string, string | undefined>>,
  isThrottled: boolean,
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
  const exhausted = quotas.filter(({ remaining = '0' }) => !(Number.parseFloat(remaining) > 0));
  const relevant = exhausted.length === 0 && isThrottled ? quotas : exhausted;
  // A repeated field arrives as a list.
  const seconds = relevant.flatMap(({ reset = '' }) => reset.split(',').map((part) => part.trim()));
  return seconds.filter((part) => SECONDS.test(part)).map((part) => toMs(fromNow(Number(part), now)));
};

const parameterIn = (text: string, pattern: RegExp): string | undefined => pattern.exec(text)?.[1];

/** Some providers send epoch seconds instead of a delay. A delay of more than 30 years must be such a time. */
const fromNow = (seconds: number, now: number): number => (seconds > 1e9 ? Math.max(0, seconds - now / 1000) : seconds);

import type { Provider, Verdict } from './catalogue/provider-schema.ts';

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

/** What a status code means by HTTP, or by what a catalogue says of it; the latter is `isStated`. */
export type StatusVerdict = { kind: Verdict | 'not_ready'; isStated: boolean };

/**
 * How a provider's status code is read, where its catalogue may say otherwise than HTTP.
 * @param responses verdicts by status code, or by class (`4xx`); a code counts before its class
 */
export const judgeStatus = (
  statusCode: number,
  responses: Readonly<Partial<Record<string, Verdict>>> = {},
): StatusVerdict => {
  const stated = responses[statusCode] ?? responses[`${Math.floor(statusCode / 100)}xx`];
  if (stated !== undefined) return { kind: stated, isStated: true };
  const verdict = judgeProviderStatus(statusCode);
  return { kind: verdict === 'given' ? 'data' : verdict, isStated: false };
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

/** A header of a provider's own that says when to come back. */
export type RateLimitReset = NonNullable<Provider['rateLimitReset']>;

/**
 * How long the other side asks us to wait, in milliseconds from now: the longest of Retry-After, the rate-limit fields and a
 * header of its own.
 *
 * @param headers names in lower case
 * @param options `isAsking`: whether the answer itself asks to wait, which 429 and 503 do: then fields count although they say
 * that there is quota left. `reset`: the header of its own; where that is a standard one, it is read as stated here.
 * @returns undefined where it does not ask
 */
export const readHint = (
  headers: Readonly<Record<string, string | undefined>>,
  statusCode: number,
  now: number,
  { isAsking = asksToWait(statusCode), reset }: { isAsking?: boolean; reset?: RateLimitReset | undefined } = {},
): number | undefined => {
  const own = reset?.header.toLowerCase() ?? '';
  const standard = own === '' ? headers : { ...headers, [own]: undefined };
  const hints = [
    parseRetryAfter(standard['retry-after'], now),
    ...rateLimitHints(standard, isAsking, now),
    reset && resetHint(headers, own, reset.unit, isAsking, now),
  ];
  const known = hints.filter((hint) => hint !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
};

/**
 * What a header of the provider's own says. Many providers send it with every answer, beside one that says how much quota is
 * left (`x-ratelimit-remaining` beside `x-ratelimit-reset`): with quota left it asks for nothing, unless the answer does.
 */
const resetHint = (
  headers: Readonly<Record<string, string | undefined>>,
  name: string,
  unit: RateLimitReset['unit'],
  isAsking: boolean,
  now: number,
): number | undefined => {
  const remaining = name.includes('reset') ? headers[name.replace('reset', 'remaining')] : undefined;
  if (!isAsking && Number.parseFloat(remaining ?? '') > 0) return undefined;
  const value = headers[name]?.trim() ?? '';
  if (unit === 'date') return parseRetryAfter(SECONDS.test(value) ? '' : value, now) ?? parseIsoDate(value, now);
  if (!SECONDS.test(value)) return undefined;
  if (unit === 'seconds') return toMs(Number(value));
  // Epoch milliseconds would be thousands of years away.
  const seconds = Number(value) > MAX_EPOCH_SECONDS ? Number(value) / 1000 : Number(value);
  return toMs(Math.max(0, seconds - now / 1000));
};

const MAX_EPOCH_SECONDS = 1e11;

/** ISO 8601, in UTC where it names no zone. */
const parseIsoDate = (value: string, now: number): number | undefined => {
  if (!/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(value)) return undefined;
  const date = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/i.test(value) ? value : `${value}Z`);
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), MAX_HINT_SECONDS * 1000);
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
 * with quota left they ask for nothing, unless the answer does.
 */
const rateLimitHints = (
  headers: Readonly<Record<string, string | undefined>>,
  isAsking: boolean,
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
  const asking = usedUp.length === 0 && isAsking ? quotas : usedUp;
  // A field that was sent twice arrives as a list.
  const seconds = asking.flatMap(({ reset = '' }) => reset.split(',').map((part) => part.trim()));
  return seconds.filter((part) => SECONDS.test(part)).map((part) => toMs(fromNow(Number(part), now)));
};

const parameterIn = (text: string, pattern: RegExp): string | undefined => pattern.exec(text)?.[1];

/** Seconds, or, where that would be decades, epoch seconds: some send the time itself. */
const fromNow = (seconds: number, now: number): number => (seconds > 1e9 ? Math.max(0, seconds - now / 1000) : seconds);

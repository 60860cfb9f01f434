import type { PARAMETER_FORMATS } from './provider-schema.ts';

type Format = (typeof PARAMETER_FORMATS)[number];

const HOSTNAME = '(?=.{1,253}$)[a-z\\d](?:[a-z\\d-]{0,61}[a-z\\d])?(?:\\.[a-z\\d](?:[a-z\\d-]{0,61}[a-z\\d])?)*';
const ATOM = "[\\w!#$%&'*+/=?^`{|}~-]+";
const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';

const isDate = (text: string): boolean => {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const midnight = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(text);
};

const MINUTES_PER_DAY = 24 * 60;

/** A time with its offset. A leap second is valid only at the end of a UTC day. */
const isTime = (text: string): boolean => {
  const parts = /^(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:z|([+-])(\d\d):(\d\d))$/i.exec(text);
  if (!parts) return false;
  const [hour = 0, minute = 0, second = 0] = parts.slice(1, 4).map(Number);
  // A time that ends in Z has no sign and no offset digits.
  const [sign, ...offsetDigits] = parts.slice(4);
  const [offsetHour = 0, offsetMinute = 0] = offsetDigits.map((digits) => Number(digits ?? 0));
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return false;
  const offset = (offsetHour * 60 + offsetMinute) * (sign === '-' ? -1 : 1);
  const minuteOfUtcDay = (hour * 60 + minute - offset + MINUTES_PER_DAY) % MINUTES_PER_DAY;
  return second < 60 || minuteOfUtcDay === MINUTES_PER_DAY - 1;
};

/** In a URI, only an IP address as the host may have brackets. */
const IP_LITERAL = /^([a-z][a-z\d+.-]*:\/\/(?:[^/?#@[\]]*@)?)\[[\da-f:.]+\](?=[:/?#]|$)/i;

const isUri = (text: string): boolean =>
  /^[a-z][a-z\d+.-]*:(?:[\w.~:/?#@!$&'()*+,;=-]|%[\da-f]{2})*$/i.test(text.replace(IP_LITERAL, '$1')) &&
  text.split('#').length <= 2 &&
  URL.canParse(text);

const matches =
  (pattern: string) =>
  (text: string): boolean =>
    new RegExp(`^${pattern}$`, 'i').test(text);

/** Formats of JSON Schema 2020-12, each with its description in messages. */
const FORMATS: Readonly<Record<Format, readonly [(text: string) => boolean, string]>> = {
  // RFC 3339 §5.6
  date: [isDate, 'a date, such as 2026-01-31'],
  time: [isTime, 'a time with its offset, such as 23:59:59Z'],
  'date-time': [
    (text) => /^.{10}t/i.test(text) && isDate(text.slice(0, 10)) && isTime(text.slice(11)),
    'a date and time with its offset, such as 2026-01-31T23:59:59Z',
  ],
  // ISO 8601, which is wider than RFC 3339, appendix A: hours and seconds are valid without minutes.
  duration: [
    (text) => /^P(?!$)(?:(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?|\d+W)$/.test(text),
    'a duration, such as P1DT12H',
  ],
  // RFC 5321 §4.5.3.1.1: at most 64 characters before the "@".
  email: [
    (text) => text.lastIndexOf('@') <= 64 && matches(`${ATOM}(?:\\.${ATOM})*@${HOSTNAME}`)(text),
    'an email address',
  ],
  hostname: [matches(HOSTNAME), 'a host name'],
  ipv4: [matches(`${BYTE}(?:\\.${BYTE}){3}`), 'an IPv4 address'],
  ipv6: [(text) => /^[\da-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]`), 'an IPv6 address'],
  // RFC 3986
  uri: [isUri, 'an absolute URI'],
  uuid: [matches('[\\da-f]{8}(?:-[\\da-f]{4}){3}-[\\da-f]{12}'), 'a UUID'],
};

/** The rule that a string breaks; undefined if it matches the format. */
export const formatFault = (format: Format, text: string): string | undefined => {
  const [isValid, name] = FORMATS[format];
  return isValid(text) ? undefined : `Must be ${name}`;
};

import { format } from '@cfworker/json-schema';
import type { PARAMETER_FORMATS } from './provider-schema.ts';

type Format = (typeof PARAMETER_FORMATS)[number];

const MESSAGES: Readonly<Record<Format, string>> = {
  date: 'Must be a date, such as 2026-01-31',
  time: 'Must be a time with its offset, such as 23:59:59Z',
  'date-time': 'Must be a date and time with its offset, such as 2026-01-31T23:59:59Z',
  duration: 'Must be a duration, such as P1DT12H',
  email: 'Must be an email address',
  hostname: 'Must be a host name',
  ipv4: 'Must be an IPv4 address',
  ipv6: 'Must be an IPv6 address',
  uri: 'Must be an absolute URI',
  uuid: 'Must be a UUID',
};

/**
 * Where the library's check is wider than the RFC: it takes a blank for the "T" of a date-time (RFC 3339 §5.6) and leading zeros
 * in IPv4 addresses, which some systems read as octal (RFC 6943 §3.1.1).
 */
const STRICTER: Partial<Record<Format, RegExp>> = {
  'date-time': /^[\d-]+t/i,
  ipv4: /^(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){3}$/,
};

/** Why a string is not of a format of JSON Schema 2020-12; undefined for one that is. */
export const formatFault = (name: Format, value: string): string | undefined =>
  format[name]?.(value) && (STRICTER[name]?.test(value) ?? true) ? undefined : MESSAGES[name];

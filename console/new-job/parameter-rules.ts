import { ruleFaults, type Scalar } from '../../packages/core/domain/catalogue/value-rules.ts';
import type { ParameterSchema } from '../api-types.ts';

export type Value = Scalar;

/**
 * One message for each rule of the schema that a value breaks, worded like the server's. Formats are checked more loosely than
 * by the server, never more strictly.
 */
export const valueFaults = (schema: ParameterSchema, value: Value): string[] =>
  ruleFaults(schema, value, { format: formatFault });

const FORMATS: Record<string, readonly [RegExp, string]> = {
  date: [/^\d{4}-\d\d-\d\d$/, 'a date, such as 2026-01-31'],
  time: [/^\d\d:\d\d:\d\d(?:\.\d+)?(?:z|[+-]\d\d:\d\d)$/i, 'a time with its offset, such as 23:59:59Z'],
  'date-time': [
    /^\d{4}-\d\d-\d\dt\d\d:\d\d:\d\d(?:\.\d+)?(?:z|[+-]\d\d:\d\d)$/i,
    'a date and time with its offset, such as 2026-01-31T23:59:59Z',
  ],
  duration: [/^P[\dYMWDTHS]+$/, 'a duration, such as P1DT12H'],
  email: [/^[^\s@]+@[^\s@]+$/, 'an email address'],
  hostname: [/^[a-z\d](?:[a-z\d.-]*[a-z\d])?$/i, 'a host name'],
  ipv4: [/^\d{1,3}(?:\.\d{1,3}){3}$/, 'an IPv4 address'],
  ipv6: [/^[\da-f:.]*:[\da-f:.]*$/i, 'an IPv6 address'],
  uri: [/^[a-z][a-z\d+.-]*:\S*$/i, 'an absolute URI'],
  uuid: [/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i, 'a UUID'],
};

const formatFault = (format: string, text: string): string | undefined => {
  // Formats that this console does not know are left to the server.
  const known = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  if (!known) return undefined;
  const [pattern, name] = known;
  return pattern.test(text) ? undefined : `Must be ${name}`;
};

import * as z from 'zod';

/** Years of four digits: ISO 8601 texts of other years do not sort by time. */
const FIRST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

const MAX_CHARACTERS = 40;

/**
 * A time that a caller gives, as epoch milliseconds: ISO 8601 with an offset, of a year from 0000 to 9999 in UTC. Leap seconds
 * and 24:00 are refused: `Date` cannot express the former.
 */
export const timeSchema = z.iso
  .datetime({ offset: true, error: 'Must be a time, ISO 8601 with an offset: 2026-01-31T12:00:00Z' })
  .max(MAX_CHARACTERS, `Must have at most ${MAX_CHARACTERS} characters`)
  .transform((text, context) => {
    const ms = Date.parse(text);
    if (ms >= FIRST_MS && ms <= LAST_MS) return ms;
    context.addIssue({ code: 'custom', message: 'Must be in the years 0000 to 9999, in UTC' });
    return z.NEVER;
  });

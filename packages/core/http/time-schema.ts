import * as z from 'zod';

/** Four-digit years only: ISO 8601 strings of other years do not sort chronologically. */
const FIRST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

const MAX_CHARACTERS = 40;

/**
 * A time in a request, parsed to epoch milliseconds: ISO 8601 with an offset, in the years 0000 to 9999 UTC. Leap seconds and
 * 24:00 are rejected: `Date` can't represent leap seconds.
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

/** A time in a response. */
export const responseTimeSchema = z.iso.datetime().meta({ description: 'ISO 8601, UTC.' });

/** A time in a response, from epoch milliseconds. */
export const toIso = (epochMs: number): string => new Date(epochMs).toISOString();

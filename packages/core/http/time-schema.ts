import * as z from 'zod';
import { MAX_TIME_MS, MIN_TIME_MS } from '../domain/time.ts';

const MAX_CHARACTERS = 40;

/**
 * A time in a request, parsed to epoch milliseconds: ISO 8601 with an offset, in the years 0000 to 9999 UTC. Leap seconds, which
 * `Date` can't represent, and 24:00 are rejected.
 */
export const timeSchema = z.iso
  .datetime({ offset: true, error: 'Must be a time, ISO 8601 with an offset: 2026-01-31T12:00:00Z' })
  .max(MAX_CHARACTERS, `Must have at most ${MAX_CHARACTERS} characters`)
  .transform((text, context) => {
    const ms = Date.parse(text);
    if (ms >= MIN_TIME_MS && ms <= MAX_TIME_MS) return ms;
    context.addIssue({ code: 'custom', message: 'Must be in the years 0000 to 9999, in UTC' });
    return z.NEVER;
  });

/** A time in a response. */
export const responseTimeSchema = z.iso.datetime().meta({ description: 'ISO 8601, UTC.' });

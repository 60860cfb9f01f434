import * as z from 'zod';

const isArray = (value: unknown): value is unknown[] => Array.isArray(value);

/**
 * A callback as `/complete` takes it: just these two properties. What providers gave is not looked into, nor are the entries
 * walked through: the body may be of a mebibyte.
 */
export const callbackSchema = z.strictObject({
  jobId: z.string('Must be a string').min(1, 'Must not be empty').max(100, 'Must have at most 100 characters'),
  data: z.custom<unknown[]>(isArray, 'Must be a list').meta({ override: { type: 'array', items: {} } }),
});

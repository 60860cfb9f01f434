import * as z from 'zod';

/** The state of a sweep: how many jobs its earlier passes claimed. */
export const sweepSchema = z.object({ claimed: z.int().min(0) });

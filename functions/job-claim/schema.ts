import * as z from 'zod';

/** Where a sweep stands: how many jobs its earlier passes took. */
export const sweepSchema = z.object({ claimed: z.int().min(0) });

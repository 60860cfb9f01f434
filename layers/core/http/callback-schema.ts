import * as z from 'zod';

/** A callback: just these two properties. What providers gave is not looked into. */
export const callbackSchema = z.strictObject({
  jobId: z.string().min(1).max(100),
  data: z.array(z.unknown()),
});

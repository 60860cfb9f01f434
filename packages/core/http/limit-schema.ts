import * as z from 'zod';

const MAX_PAGE = 100;
const DEFAULT_PAGE = 20;

/** The `limit` of a list. @param items what it lists, in the plural */
export const limitSchema = (items: string) =>
  z
    .string()
    .regex(/^\d{1,3}$/, `Must be a number from 1 to ${MAX_PAGE}`)
    .transform(Number)
    .pipe(z.number().min(1, 'Must be at least 1').max(MAX_PAGE, `Must be at most ${MAX_PAGE}`))
    .default(DEFAULT_PAGE)
    // Documented as an integer, although query values are text.
    .meta({
      description: `Maximum number of ${items} in a page.`,
      override: ({ jsonSchema }) => {
        delete jsonSchema.pattern;
        const limits = { minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE };
        Object.assign(jsonSchema, { type: 'integer', ...limits, examples: [DEFAULT_PAGE] });
      },
    });

import * as z from 'zod';
import { DEFAULT_PAGE_SIZE } from './pages.ts';

/** A whole number in a query. Query values are text, but it is documented as an integer. */
const wholeNumber = (max: number, initial: number, description: string) => {
  const rule = `Must be a whole number from 1 to ${max}`;
  return z
    .string()
    .regex(/^\d{1,6}$/, rule)
    .transform(Number)
    .pipe(z.number().min(1, rule).max(max, rule))
    .default(initial)
    .meta({
      description,
      override: ({ jsonSchema }) => {
        delete jsonSchema.pattern;
        Object.assign(jsonSchema, { type: 'integer', minimum: 1, maximum: max, default: initial, examples: [initial] });
      },
    });
};

const MAX_PAGE_SIZE = 200;
const MAX_PAGE = 100_000;

export const accountQuerySchema = z.strictObject({
  cursor: z
    .string()
    .optional()
    .meta({ description: 'Where the page starts: `meta.next` of the previous page.', examples: ['YmlsbCAx'] }),
  size: wholeNumber(MAX_PAGE_SIZE, DEFAULT_PAGE_SIZE, 'Maximum number of bills in a page.'),
  from: z.iso
    .date('Must be a date, ISO 8601: 2026-01-31')
    .optional()
    .meta({ description: 'Only bills from this day on. ISO 8601.', examples: ['2026-01-01'] }),
});

export const pageQuerySchema = z.strictObject({ page: wholeNumber(MAX_PAGE, 1, 'The page number, from 1.') });

const MAX_TAX_ID_CHARACTERS = 20;

export const reportOrderSchema = z
  .strictObject({
    taxId: z
      .string('Must be a string')
      .min(1, 'Must not be empty')
      .max(MAX_TAX_ID_CHARACTERS, `Must have at most ${MAX_TAX_ID_CHARACTERS} characters`)
      .meta({
        description: 'The tax id of the person that the report is about. Reports on 0000 are rejected.',
        examples: ['12345678901'],
      }),
  })
  .meta({ id: 'ReportOrder', description: 'An order for a report.' });

const MAX_KEY_CHARACTERS = 255;

export const reportOrderHeadersSchema = z.object({
  'idempotency-key': z
    .string()
    .max(MAX_KEY_CHARACTERS, `Must have at most ${MAX_KEY_CHARACTERS} characters`)
    .optional(),
});

import * as z from 'zod';
import { providerIdSchema } from '../contracts/claimed-job.ts';
import { findJsonError } from './json-position.ts';

const MAX_PROVIDER_TIMEOUT_MS = 15_000;
export const MAX_PROVIDER_BYTES = 1024 * 1024;

/** Headers that are the HTTP client's own business. */
const RESERVED_HEADERS = new Set(['connection', 'content-length', 'host', 'transfer-encoding', 'upgrade']);

/** How we tell a provider who we are: a header, and the name of the secret that is its value. */
const authSchema = z.strictObject({
  header: z
    .string()
    .regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/, 'has to be a header name')
    .refine((name) => !RESERVED_HEADERS.has(name.toLowerCase()), 'is a header of the HTTP client'),
  secret: z.string().regex(/^[\w.-]{1,200}$/, 'has to be the name of a secret: letters, digits, ".", "_", "-"'),
});

const providerSchema = z.strictObject({
  id: providerIdSchema,
  title: z.string().max(200).optional(),
  /** Where its data is; trusted, unlike a callback's address. */
  url: z.url({ protocol: /^https?$/ }),
  /** One deadline over DNS, connect, headers and body. */
  timeoutMs: z.int().min(1).max(MAX_PROVIDER_TIMEOUT_MS).default(10_000),
  /** The largest answer that is taken, in bytes after decompression. */
  maxBytes: z.int().min(1).max(MAX_PROVIDER_BYTES).default(MAX_PROVIDER_BYTES),
  auth: authSchema.optional(),
  /** How many calls it takes at once; absent: any number. */
  concurrency: z.int().min(1).max(1000).optional(),
  /** How many calls it takes in a second; absent: any number. */
  ratePerSecond: z.int().min(1).max(10_000).optional(),
});

const catalogueSchema = z.strictObject({
  providers: z
    .array(providerSchema)
    .min(1)
    .superRefine((providers, context) => {
      const seen = new Set<string>();
      for (const [index, { id }] of providers.entries()) {
        if (seen.has(id)) context.addIssue({ code: 'custom', path: [index, 'id'], message: `"${id}" is there twice` });
        seen.add(id);
      }
    }),
});

export type Provider = z.infer<typeof providerSchema>;

/** The third parties, by id. */
export type Catalogue = ReadonlyMap<string, Provider>;

/** The catalogue's file does not say what a catalogue must. The message names each place. */
export class InvalidCatalogue extends Error {
  override name = 'InvalidCatalogue';
}

/**
 * Reads a provider catalogue.
 *
 * @param text its JSON
 * @param placeholders what `${NAME}` in it stands for
 * @throws InvalidCatalogue for JSON that does not parse, an unknown key, a value out of its limits, a missing placeholder
 */
export const parseCatalogue = (text: string, placeholders: Readonly<Record<string, string | undefined>>): Catalogue => {
  let value: unknown;
  const unset = new Set<string>();
  try {
    value = JSON.parse(text, (_key, part) => (typeof part === 'string' ? fill(part, placeholders, unset) : part));
  } catch (cause) {
    const { line, column } = findJsonError(text) ?? {};
    const why = (cause as Error).message.replace(/ in JSON at position .*/s, '');
    throw new InvalidCatalogue(`it is not JSON: line ${line}, column ${column}: ${why}`, { cause });
  }
  const parsed = catalogueSchema.safeParse(value);
  const places = [...unset].map((name) => `\${${name}} stands in it, but ${name} is not set`);
  for (const { path, message } of parsed.error?.issues ?? [])
    places.push(`${path.join('.') || 'catalogue'}: ${message}`);
  if (!parsed.success || places.length > 0) throw new InvalidCatalogue(places.join('; '));
  return new Map(parsed.data.providers.map((provider) => [provider.id, provider]));
};

/** What no value is known for is collected, and stays as it stands. */
const fill = (text: string, placeholders: Readonly<Record<string, string | undefined>>, unset: Set<string>): string =>
  text.replace(/\$\{(\w+)\}/g, (placeholder, name: string) => {
    const value = placeholders[name];
    if (!value) unset.add(name);
    return value || placeholder;
  });

import * as z from 'zod';
import { findJsonError } from '../json-position.ts';
import { type Provider, providerSchema } from './provider-schema.ts';

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

import { readFileSync } from 'node:fs';
import { type Catalogue, InvalidCatalogue, parseCatalogue } from '../domain/catalogue.ts';

/**
 * Reads the provider catalogue from its file.
 * @throws InvalidCatalogue when there is no such file, or it is not a catalogue
 */
export const readCatalogue = (path: string, placeholders: Readonly<Record<string, string | undefined>>): Catalogue => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new InvalidCatalogue(`${path} can't be read`, { cause });
  }
  return parseCatalogue(text, placeholders);
};

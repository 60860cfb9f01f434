import { readFileSync } from 'node:fs';
import {
  type Catalogue,
  InvalidCatalogue,
  parseCatalogue,
  parseDeployedCatalogue,
} from '../domain/catalogue/catalogue.ts';
import { withoutBom } from '../domain/text.ts';

type Placeholders = Readonly<Record<string, string | undefined>>;

/**
 * Reads the provider catalogue from its file.
 * @throws InvalidCatalogue if the file is missing or invalid; the message contains the path and the location of the fault
 */
export const readCatalogue = (path: string, placeholders: Placeholders): Catalogue =>
  readWith(parseCatalogue, path, placeholders);

/** Like `readCatalogue`, for a catalogue that was validated before deployment. */
export const readDeployedCatalogue = (path: string, placeholders: Placeholders): Catalogue =>
  readWith(parseDeployedCatalogue, path, placeholders);

const readWith = (parse: typeof parseCatalogue, path: string, placeholders: Placeholders): Catalogue => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new InvalidCatalogue(`${path} can't be read: ${(cause as Error).message}`, { cause });
  }
  try {
    return parse(withoutBom(text), placeholders);
  } catch (error) {
    if (error instanceof InvalidCatalogue) {
      throw new InvalidCatalogue(`${path}: ${error.message}`, { cause: error, faults: error.faults });
    }
    throw error;
  }
};

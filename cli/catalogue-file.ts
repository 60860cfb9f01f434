import { readFileSync } from 'node:fs';
import { type Catalogue, InvalidCatalogue, parseCatalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import { type CatalogueFault, describeFault } from '@boomerang/core/domain/catalogue/fault.ts';
import { locateFaults } from '@boomerang/core/domain/catalogue/locate-faults.ts';

/** A catalogue's file, read: what it says, or its faults in the order of the file, and the same in one line without places. */
export type CatalogueFile = {
  text: string;
  isJson: boolean;
  catalogue?: Catalogue;
  faults: readonly CatalogueFault[];
  message: string;
};

/** The file that the stack is deployed with. */
export const SHIPPED_CATALOGUE = 'layers/provider-catalogue/providers.json';

/** What `${PROVIDERS_API_URL}` in it stands for while nothing runs. */
export const placeholdersOf = (environment: NodeJS.ProcessEnv): Record<string, string> => ({
  PROVIDERS_API_URL: environment.PROVIDERS_API_URL || `http://127.0.0.1:${environment.PROVIDERS_PORT || 3001}`,
});

/**
 * Reads a catalogue's file, with line and column of each of its faults.
 * @throws InvalidCatalogue when there is no such file
 */
export const readCatalogueFile = (
  file: string,
  placeholders: Readonly<Record<string, string | undefined>>,
): CatalogueFile => {
  const text = readText(file);
  try {
    return { text, isJson: true, catalogue: parseCatalogue(text, placeholders), faults: [], message: '' };
  } catch (error) {
    if (!(error instanceof InvalidCatalogue)) throw error;
    const { faults, message } = error;
    // Only faults of JSON come with their place.
    return { text, isJson: !faults.some(({ line }) => line), faults: locateFaults(text, faults), message };
  }
};

const readText = (file: string): string => {
  try {
    // A byte order mark is no part of the JSON (RFC 8259, 8.1).
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new InvalidCatalogue(`${file} can't be read: ${(cause as Error).message}`, { cause });
  }
};

/** A located fault in one line, as compilers write them without the file: `3:75: providers.0.url: Must be …`. */
export const describePlace = (fault: CatalogueFault): string =>
  `${fault.line}:${fault.column}: ${describeFault(fault)}`;

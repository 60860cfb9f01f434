import { readFileSync } from 'node:fs';
import { type Catalogue, InvalidCatalogue, parseCatalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import { type CatalogueFault, describeFault } from '@boomerang/core/domain/catalogue/fault.ts';
import { locateFaults } from '@boomerang/core/domain/catalogue/locate-faults.ts';

export type CatalogueFile = {
  text: string;
  isJson: boolean;
  /** Absent if the file has faults. */
  catalogue?: Catalogue;
  /** In file order, with line and column. */
  faults: readonly CatalogueFault[];
  /** All faults in one line, without line and column. */
  message: string;
};

/** The catalogue that is deployed with the stack. */
export const SHIPPED_CATALOGUE = 'layers/provider-catalogue/providers.json';

/** Value of `${PROVIDERS_API_URL}` when no embedded cloud is running. */
export const placeholdersOf = (environment: NodeJS.ProcessEnv): Record<string, string> => ({
  PROVIDERS_API_URL: environment.PROVIDERS_API_URL || `http://127.0.0.1:${environment.PROVIDERS_PORT || 3001}`,
});

/**
 * Reads a catalogue file, and locates its faults by line and column.
 * @throws InvalidCatalogue if the file can't be read
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
    // Only JSON syntax faults already have a line.
    return { text, isJson: !faults.some(({ line }) => line), faults: locateFaults(text, faults), message };
  }
};

const readText = (file: string): string => {
  try {
    // JSON parsers may ignore a byte order mark (RFC 8259, section 8.1).
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new InvalidCatalogue(`${file} can't be read: ${(cause as Error).message}`, { cause });
  }
};

/** Formats a located fault like a compiler, without the file name: `3:75: providers.0.url: Must be …`. */
export const formatFault = (fault: CatalogueFault): string => `${fault.line}:${fault.column}: ${describeFault(fault)}`;

import { readFileSync } from 'node:fs';
import { type Offers, parseOffers } from '../domain/catalogue/offers.ts';
import { withoutBom } from '../domain/text.ts';

/**
 * Reads the public part of the provider catalogue from its file.
 * @throws if the file is missing or not a catalogue
 */
export const readOffers = (path: string): Offers => parseOffers(withoutBom(readFileSync(path, 'utf8')));

import { readFileSync } from 'node:fs';
import { type Offers, parseOffers } from '../domain/catalogue/offers.ts';

/**
 * Reads the public part of the provider catalogue from its file.
 * @throws if the file is missing or not a catalogue
 */
export const readOffers = (path: string): Offers =>
  // Drop a byte order mark (RFC 8259 §8.1).
  parseOffers(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));

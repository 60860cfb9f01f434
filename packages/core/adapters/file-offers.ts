import { readFileSync } from 'node:fs';
import { type Offers, parseOffers } from '../domain/catalogue/offers.ts';

/**
 * Reads what concerns callers from the provider catalogue's file.
 * @throws when there is no such file, or it is not a catalogue
 */
export const readOffers = (path: string): Offers =>
  // A byte order mark is no part of the JSON (RFC 8259, 8.1).
  parseOffers(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));

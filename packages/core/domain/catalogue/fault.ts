/** One fault of a catalogue. */
export type CatalogueFault = {
  /** From the root of the document to the faulty value; or, if `key` is set, to the object with that key. */
  path: (string | number)[];
  /** Set if the key is at fault, not its value. */
  key?: string;
  message: string;
  /** Position in the file, from 1; set for JSON that does not parse, and by `locateFaults`. */
  line?: number;
  column?: number;
};

/** A fault in one line: `providers.0.url: Must be …`. */
export const describeFault = ({ path, message }: CatalogueFault): string =>
  `${path.join('.') || 'catalogue'}: ${message}`;

/** What is wrong with a catalogue, and where. */
export type CatalogueFault = {
  /** From the root of the document; the object that holds `key`, if that is set. */
  path: (string | number)[];
  /** Set if a key is wrong, and not its value. */
  key?: string;
  message: string;
  /** Where it is in the file, from 1: of JSON that does not parse, and once the fault has been located. */
  line?: number;
  column?: number;
};

/** A fault in one line: `providers.0.url: Must be …`. */
export const describeFault = ({ path, message }: CatalogueFault): string =>
  `${path.join('.') || 'catalogue'}: ${message}`;

import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  type Gunzip,
} from 'node:zlib';

/** A body as far as its codings could be undone. */
export type Decoded = {
  /** At most `maxBytes` of it. */
  body: Buffer;
  /** There is more of it. */
  isCut?: true;
  /** Why it could not be undone to its end. */
  error?: string;
};

/** More codings than these are somebody's joke. */
const MAX_CODINGS = 5;

/** What a coding may add to data that can't be compressed, in bytes: more is not read of a coded body. */
export const CODING_OVERHEAD_BYTES = 64 * 1024;

/**
 * The codings of a body in the order in which they were applied: those of the content, then those of the transfer, of which
 * Node undoes only `chunked`.
 *
 * @param headers names in lower case
 */
export const codingsOf = (headers: Readonly<Record<string, string | undefined>>): string[] => {
  const list = `${headers['content-encoding'] ?? ''},${headers['transfer-encoding'] ?? ''}`.toLowerCase();
  return list.split(',').flatMap((part) => {
    const coding = part.trim();
    return ['', 'identity', 'chunked'].includes(coding) ? [] : [coding];
  });
};

/**
 * Undoes codings (RFC 9110 §8.4.1, RFC 8878, RFC 7932), the last one first.
 * @param isWhole false for the beginning of a body, of which as much as possible is undone
 */
export const decode = async (
  coded: Buffer,
  codings: readonly string[],
  maxBytes: number,
  isWhole: boolean,
): Promise<Decoded> => {
  // An empty body is empty, whatever its headers call it.
  if (coded.length === 0) return { body: coded };
  if (codings.length > MAX_CODINGS) return { body: Buffer.alloc(0), error: `${codings.length} content codings` };
  let decoded: Decoded = { body: coded };
  for (const [index, coding] of codings.toReversed().entries()) {
    const isLast = index === codings.length - 1;
    decoded = await undo(decoded.body, coding, isLast ? maxBytes : maxBytes + CODING_OVERHEAD_BYTES);
    if (decoded.error !== undefined && !isWhole) delete decoded.error;
    if (decoded.error !== undefined || (decoded.isCut && !isLast)) break;
  }
  return decoded.body.length > maxBytes ? { body: decoded.body.subarray(0, maxBytes), isCut: true } : decoded;
};

type Coding = {
  create: (coded: Buffer) => Gunzip;
  /** Whether another stream may follow the first, and belongs to the same data. */
  isConcatenable?: true;
};

/** RFC 9659: in HTTP a window has at most 8 MB. Node would take 128 MB, and as much memory. */
const ZSTD_PARAMS = { [constants.ZSTD_d_windowLogMax]: 23 };

const GZIP: Coding = { create: () => createGunzip() };

const CODINGS: Readonly<Record<string, Coding>> = {
  gzip: GZIP,
  'x-gzip': GZIP,
  // Some send deflate as it is meant, in a zlib stream, and some without.
  deflate: { create: (coded) => (isZlib(coded) ? createInflate() : createInflateRaw()) },
  br: { create: () => createBrotliDecompress() as unknown as Gunzip },
  // Node ends with the first frame (gzip's members it reads to the last).
  zstd: { create: () => createZstdDecompress({ params: ZSTD_PARAMS }) as unknown as Gunzip, isConcatenable: true },
};

/** RFC 1950 §2.2: the method is 8, and the two bytes are a multiple of 31. */
const isZlib = ([first = 0, second = 0]: Buffer): boolean =>
  (first & 0x0f) === 8 && first >> 4 <= 7 && ((first << 8) | second) % 31 === 0;

const undo = async (coded: Buffer, name: string, maxBytes: number): Promise<Decoded> => {
  const coding = Object.hasOwn(CODINGS, name) ? CODINGS[name] : undefined;
  if (!coding) return { body: Buffer.alloc(0), error: `the content coding "${name.slice(0, 40)}" is not known` };
  const chunks: Buffer[] = [];
  let length = 0;
  const result = (rest: Omit<Decoded, 'body'> = {}): Decoded => ({ body: Buffer.concat(chunks), ...rest });
  let rest = coded;
  let consumed: number;
  try {
    do {
      const decoder = coding.create(rest);
      // Not by `pipe`: a decoder that is done with its stream would leave the rest unnoticed.
      decoder.end(rest);
      for await (const chunk of decoder as AsyncIterable<Buffer>) {
        const room = maxBytes - length;
        chunks.push(chunk.subarray(0, room));
        length += Math.min(chunk.length, room);
        if (chunk.length > room) return result({ isCut: true });
      }
      consumed = decoder.bytesWritten;
      rest = rest.subarray(consumed);
    } while (coding.isConcatenable && consumed > 0 && rest.length > 0);
  } catch (error) {
    return result({ error: `${name}: ${(error as NodeJS.ErrnoException).code ?? 'unreadable'}` });
  }
  // Zeros are padding, to fill a block.
  return rest.some((byte) => byte !== 0) ? result({ error: `${name}: more follows its end` }) : result();
};

import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  type Gunzip,
} from 'node:zlib';

/** A decoded body, as far as decoding succeeded. */
export type Decoded = {
  /** Truncated to `maxBytes`. */
  body: Buffer;
  /** Set if the body was truncated. */
  isCut?: true;
  /** Why decoding stopped early. */
  error?: string;
};

/** The maximum number of codings applied to one body. */
const MAX_CODINGS = 5;

/** Allowance for incompressible data, which grows when coded: bytes of a coded body that are read beyond `maxBytes`. */
export const CODING_OVERHEAD_BYTES = 64 * 1024;

/**
 * The codings of a body in the order in which they were applied: content codings, then transfer codings. Node decodes only
 * `chunked`.
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
 * Decodes a body (RFC 9110 §8.4.1, RFC 8878, RFC 7932), last coding first.
 * @param isWhole false for a truncated body, which is decoded as far as possible
 */
export const decode = async (
  coded: Buffer,
  codings: readonly string[],
  maxBytes: number,
  isWhole: boolean,
): Promise<Decoded> => {
  // An empty body is valid under any coding.
  if (coded.length === 0) return { body: coded };
  if (codings.length > MAX_CODINGS) return { body: Buffer.alloc(0), error: `${codings.length} content codings` };
  let decoded: Decoded = { body: coded };
  for (const [index, coding] of codings.toReversed().entries()) {
    const isLast = index === codings.length - 1;
    decoded = await decodeOne(decoded.body, coding, isLast ? maxBytes : maxBytes + CODING_OVERHEAD_BYTES);
    if (decoded.error !== undefined && !isWhole) delete decoded.error;
    if (decoded.error !== undefined || (decoded.isCut && !isLast)) break;
  }
  return decoded.body.length > maxBytes ? { body: decoded.body.subarray(0, maxBytes), isCut: true } : decoded;
};

type Coding = {
  create: (coded: Buffer) => Gunzip;
  /** Whether the data may consist of several concatenated streams. */
  isConcatenable?: true;
};

/** RFC 9659 limits the window in HTTP to 8 MB. Node's default allows 128 MB of memory. */
const ZSTD_PARAMS = { [constants.ZSTD_d_windowLogMax]: 23 };

const GZIP: Coding = { create: () => createGunzip() };

const CODINGS: Readonly<Record<string, Coding>> = {
  gzip: GZIP,
  'x-gzip': GZIP,
  // Some servers send deflate in a zlib stream, as specified; others send it raw.
  deflate: { create: (coded) => (isZlib(coded) ? createInflate() : createInflateRaw()) },
  br: { create: () => createBrotliDecompress() as unknown as Gunzip },
  // Node stops after the first zstd frame, but reads all gzip members.
  zstd: { create: () => createZstdDecompress({ params: ZSTD_PARAMS }) as unknown as Gunzip, isConcatenable: true },
};

/** RFC 1950 §2.2: the method is 8, and the two bytes are a multiple of 31. */
const isZlib = ([first = 0, second = 0]: Buffer): boolean =>
  (first & 0x0f) === 8 && first >> 4 <= 7 && ((first << 8) | second) % 31 === 0;

const decodeOne = async (coded: Buffer, name: string, maxBytes: number): Promise<Decoded> => {
  const coding = Object.hasOwn(CODINGS, name) ? CODINGS[name] : undefined;
  if (!coding) return { body: Buffer.alloc(0), error: `unknown content coding "${name.slice(0, 40)}"` };
  const chunks: Buffer[] = [];
  let length = 0;
  const result = (rest: Omit<Decoded, 'body'> = {}): Decoded => ({ body: Buffer.concat(chunks), ...rest });
  let rest = coded;
  let consumed: number;
  try {
    do {
      const decoder = coding.create(rest);
      // `pipe` would hide bytes after the end of the stream.
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
  // Trailing zeros are padding.
  return rest.some((byte) => byte !== 0) ? result({ error: `${name}: data after its end` }) : result();
};

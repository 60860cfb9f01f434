import { createReadStream } from 'node:fs';
import { text } from 'node:stream/consumers';
import {
  type CallbackHeader,
  InvalidCallbackHeaders,
  parseCallbackHeaders,
} from '@boomerang/core/domain/callback-headers.ts';
import { UsageError } from './usage-error.ts';

/** Where a command takes headers from. */
export type HeaderOptions = {
  /** `name: value`, once for each. */
  header?: string[] | undefined;
  /** A file of such lines; `-` is stdin. */
  'header-file'?: string | undefined;
};

/**
 * Reads the headers that an operator gives. Blank lines of a file are skipped.
 *
 * @param command whose options they are
 * @returns at least one; undefined without either option
 * @throws UsageError for a file that can't be read or holds none, a line without a colon, headers that callbacks can't carry.
 * The message holds no value
 */
export const readHeaders = async (command: string, options: HeaderOptions): Promise<CallbackHeader[] | undefined> => {
  const { header = [], 'header-file': file } = options;
  if (header.length === 0 && file === undefined) return undefined;
  const lines = file === undefined ? [] : (await readText(command, file)).split(/\r?\n/).filter((line) => line.trim());
  // A pipe whose first command failed must not look like one that gives none on purpose.
  if (file !== undefined && lines.length === 0) throw new UsageError(`${command}: --header-file holds no headers`);
  try {
    return parseCallbackHeaders([...header, ...lines].map(toHeader));
  } catch (cause) {
    if (!(cause instanceof InvalidCallbackHeaders)) throw cause;
    throw new UsageError(`${command}: ${cause.message}`, { cause });
  }
};

const readText = async (command: string, file: string): Promise<string> => {
  try {
    return await text(file === '-' ? process.stdin : createReadStream(file));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UsageError(`${command}: --header-file can't be read: ${code}`, { cause });
  }
};

/** Without a colon it has no value. The text is not taken for a name, since messages show names. */
const toHeader = (line: string): Partial<CallbackHeader> => {
  const colon = line.indexOf(':');
  return colon < 0 ? {} : { name: line.slice(0, colon), value: line.slice(colon + 1) };
};

import { createReadStream } from 'node:fs';
import { text } from 'node:stream/consumers';
import {
  type CallbackHeader,
  InvalidCallbackHeaders,
  parseCallbackHeaders,
} from '@boomerang/core/domain/callback-headers.ts';
import { UsageError } from './usage-error.ts';

/** The options that set headers. */
export type HeaderOptions = {
  /** `name: value` each. */
  header?: string[] | undefined;
  /** A file with one `name: value` a line; `-` is stdin. */
  'header-file'?: string | undefined;
};

/**
 * Reads headers from options. Blank lines of a file are skipped.
 *
 * @param command name for error messages
 * @returns at least one header; undefined without either option
 * @throws UsageError if the file can't be read or has no headers, a line has no colon, or a header is not allowed in callbacks.
 * Messages contain no header values
 */
export const readHeaders = async (command: string, options: HeaderOptions): Promise<CallbackHeader[] | undefined> => {
  const { header = [], 'header-file': file } = options;
  if (header.length === 0 && file === undefined) return undefined;
  const lines = file === undefined ? [] : (await readText(command, file)).split(/\r?\n/).filter((line) => line.trim());
  // Otherwise an empty pipe, from a command that failed, would remove all headers.
  if (file !== undefined && lines.length === 0) throw new UsageError(`${command}: --header-file has no headers`);
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

/** A line without a colon gets no name either: error messages show names, and the line may be a secret value. */
const toHeader = (line: string): Partial<CallbackHeader> => {
  const colon = line.indexOf(':');
  return colon < 0 ? {} : { name: line.slice(0, colon), value: line.slice(colon + 1) };
};

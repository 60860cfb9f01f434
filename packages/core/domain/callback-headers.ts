import * as z from 'zod';

/** A header sent with each callback of a client: its name in lower case, and its value, which is a secret. */
export type CallbackHeader = { name: string; value: string };

export const MAX_CALLBACK_HEADERS = 10;
/**
 * Limit on all names and values together. With its URL and our own headers, a request's head stays below the 8 KiB that many
 * servers accept.
 */
export const MAX_CALLBACK_HEADER_BYTES = 4096;

/** A `token` (RFC 9110 §5.6.2). */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * Node sends header values as Latin-1, one byte per character. Control characters, tabs included, are refused: in a
 * credential they are a mistake, and a line break would begin another header.
 */
const PRINTABLE_LATIN_1 = /^[\x20-\x7E\xA0-\xFF]*$/;

/**
 * Names that clients may not set:
 * - `connection`, `keep-alive`, `te`, `trailer`, `transfer-encoding`, `upgrade` and `proxy-*` control the connection to the
 *   next hop and the framing of messages on it (RFC 9110 §7.6.1), which Node handles.
 * - `host` selects the server (§7.2). The address rules have only checked the host of the callback URL.
 * - `expect` requests an interim response before the body is sent (§10.1.1). The HTTP client does not wait for one.
 * - `content-*` describes the body (§8), which differs between callbacks.
 * - `accept-encoding` (§12.5.3) could make responses arrive compressed. The HTTP client sends `identity`.
 * - `user-agent` (§10.1.5) identifies Boomerang to receivers.
 * - `idempotency-key` has a new value for each request. With a constant one, a gateway would drop all callbacks but the first.
 * - `webhook-*` belongs to the signature (Standard Webhooks).
 */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'expect',
  'accept-encoding',
  'user-agent',
  'idempotency-key',
]);
const RESERVED_PREFIXES = ['proxy-', 'content-', 'webhook-'];

const isReserved = (name: string): boolean =>
  RESERVED_NAMES.has(name) || RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix));

/**
 * Removes surrounding spaces and tabs, which are not part of a value (RFC 9110 §5.5). A loop, because the pattern `[ \t]+$` takes
 * quadratic time.
 */
const trimmed = (value: string): string => {
  let end = value.length;
  while (end > 0 && ' \t'.includes(value.charAt(end - 1))) end -= 1;
  return value.slice(0, end).replace(/^[ \t]+/, '');
};

const headerSchema = z.object(
  {
    name: z
      .string('Must have a name')
      .regex(TOKEN, "Must have a name of letters, digits and !#$%&'*+-.^_`|~ (RFC 9110, section 5.6.2)")
      .toLowerCase()
      .refine((name) => !isReserved(name), 'Must not be a header that HTTP or Boomerang sets'),
    value: z
      .string('Must have a value')
      .overwrite(trimmed)
      .min(1, 'Must have a value')
      .regex(PRINTABLE_LATIN_1, 'Must have a value of printable Latin-1 characters'),
  },
  'Must have a name and a value',
);

const headersSchema = z
  .array(headerSchema, 'Must be a list')
  .max(MAX_CALLBACK_HEADERS, `Must be at most ${MAX_CALLBACK_HEADERS} headers`)
  .superRefine((headers, context) => {
    const names = headers.map(({ name }) => name);
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) === index) continue;
      context.addIssue({ code: 'custom', path: [index, 'name'], message: 'Must appear once' });
    }
    const bytes = headers.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
    if (bytes <= MAX_CALLBACK_HEADER_BYTES) return;
    const message = `Must be at most ${MAX_CALLBACK_HEADER_BYTES} bytes of names and values in total`;
    context.addIssue({ code: 'custom', message });
  });

/** Invalid callback headers. The message gives the position of each, but no value. */
export class InvalidCallbackHeaders extends Error {
  override name = 'InvalidCallbackHeaders';
}

/**
 * Validates the headers of a client's callbacks, from an operator's input or from storage.
 *
 * @param headers a list of names and values; undefined for none
 * @returns the headers in order, names in lower case, values trimmed: at most 10, 4 KiB in total, without repeated names
 * @throws InvalidCallbackHeaders for a name that is not a token (RFC 9110 §5.6.2), is reserved or repeated (in any case);
 * for a value that is empty or not printable Latin-1; for too many or too long headers; for input of another shape
 */
export const parseCallbackHeaders = (headers: unknown = []): CallbackHeader[] => {
  const { success, data, error } = headersSchema.safeParse(headers);
  if (success) return data;
  throw new InvalidCallbackHeaders(
    error.issues.map(({ path: [index], message }) => `${positionOf(headers, index)}: ${message}`).join('; '),
  );
};

/** The header's number, and its name if that is a valid one; otherwise it may be a secret value in the wrong field. */
const positionOf = (headers: unknown, index: PropertyKey | undefined): string => {
  if (typeof index !== 'number') return 'headers';
  const name: unknown = (headers as { name?: unknown }[])[index]?.name;
  return `header ${index + 1}${typeof name === 'string' && TOKEN.test(name) ? ` (${name.toLowerCase()})` : ''}`;
};

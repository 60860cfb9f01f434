import * as z from 'zod';

/** A header that goes with each callback of a client: its name in lower case, and its value, which is a secret. */
export type CallbackHeader = { name: string; value: string };

export const MAX_CALLBACK_HEADERS = 10;
/** All names and values together. With its URL and our own headers a request's head stays below the 8 KiB that many servers accept. */
export const MAX_CALLBACK_HEADER_BYTES = 4096;

/** A `token` (RFC 9110 §5.6.2). */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * What Node can send, one byte a character: Latin-1. Control characters, tabs included, are refused: in a credential they
 * are a mistake, and a line break would begin another header.
 */
const PRINTABLE_LATIN_1 = /^[\x20-\x7E\xA0-\xFF]*$/;

/**
 * Names that clients may not set:
 * - `connection`, `keep-alive`, `te`, `trailer`, `transfer-encoding`, `upgrade` and `proxy-*` are about the connection to the
 *   next hop, and about how a message is framed on it (RFC 9110 §7.6.1). Node decides both.
 * - `host` says where a request goes (§7.2). The address rules have judged the host of the callback URL.
 * - `expect` asks for an interim answer before the body is sent (§10.1.1). The HTTP client does not wait for one.
 * - `content-*` describes the body (§8), which differs from callback to callback.
 * - `accept-encoding` (§12.5.3) would make answers arrive compressed. The HTTP client asks for `identity`.
 * - `user-agent` (§10.1.5) tells receivers who calls.
 * - `idempotency-key` has a new value for each request. With a constant one, a gateway would drop every callback but the first.
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

/** Without the blanks and tabs around it, which are no part of a value (RFC 9110 §5.5). */
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
      context.addIssue({ code: 'custom', path: [index, 'name'], message: 'Must be given once' });
    }
    const bytes = headers.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
    if (bytes <= MAX_CALLBACK_HEADER_BYTES) return;
    const message = `Must be at most ${MAX_CALLBACK_HEADER_BYTES} bytes of names and values in all`;
    context.addIssue({ code: 'custom', message });
  });

/** Headers that callbacks can't carry. The message names each place and no value. */
export class InvalidCallbackHeaders extends Error {
  override name = 'InvalidCallbackHeaders';
}

/**
 * Checks the headers of a client's callbacks, as an operator gives them or as they are stored.
 *
 * @param headers a list of names and values; undefined for none
 * @returns them in their order, names in lower case, values trimmed: at most 10 headers, 4 KiB in all, no name twice
 * @throws InvalidCallbackHeaders for a name that is no token (RFC 9110 §5.6.2), that is reserved or given twice in any case,
 * for a value that is empty or not printable Latin-1, for too many or too long ones, for anything that is no such list
 */
export const parseCallbackHeaders = (headers: unknown = []): CallbackHeader[] => {
  const { success, data, error } = headersSchema.safeParse(headers);
  if (success) return data;
  throw new InvalidCallbackHeaders(
    error.issues.map(({ path: [index], message }) => `${placeOf(headers, index)}: ${message}`).join('; '),
  );
};

/** Where in the list, by number and, where it is a name, by name: anything else may be a value in the wrong place. */
const placeOf = (headers: unknown, index: PropertyKey | undefined): string => {
  if (typeof index !== 'number') return 'headers';
  const name: unknown = (headers as { name?: unknown }[])[index]?.name;
  return `header ${index + 1}${typeof name === 'string' && TOKEN.test(name) ? ` (${name.toLowerCase()})` : ''}`;
};

import * as z from 'zod';
import { providerIdSchema } from '../../contracts/claimed-job.ts';

const MAX_PROVIDER_TIMEOUT_MS = 15_000;
export const MAX_PROVIDER_BYTES = 1024 * 1024;
export const MAX_PAGES = 50;
const MAX_POLLING_SECONDS = 7 * 24 * 3600;

/** Headers that the HTTP client sets. */
const RESERVED_HEADERS = new Set(['connection', 'content-length', 'host', 'transfer-encoding', 'upgrade']);

const headerNameSchema = z
  .string()
  .regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/, 'Must be a header name')
  .refine((name) => !RESERVED_HEADERS.has(name.toLowerCase()), 'Must not be a header of the HTTP client');

const secretNameSchema = z
  .string()
  .regex(/^[\w.-]{1,200}$/, 'Must be the name of a secret: letters, digits, ".", "_", "-"');

const QUERY_NAME = 'Must be the name of a query parameter';
const queryNameSchema = z
  .string()
  .regex(/^[^\s#&=]{1,100}$/, QUERY_NAME)
  // Lone surrogates have no percent-encoding.
  .refine((name) => name.isWellFormed(), QUERY_NAME);

const urlSchema = z.url({ protocol: /^https?$/, error: 'Must be an absolute URL with http or https' });

/** Ignores surrounding blanks, and tabs and line breaks anywhere, like the WHATWG URL parser. */
const stripUrl = (url: string): string => url.trim().replace(/[\t\r\n]/g, '');

/** RFC 6901; `""` is the whole document. */
const pointerSchema = z.string().regex(/^(?:\/(?:[^~]|~[01])*)?$/s, 'Must be a JSON Pointer (RFC 6901)');

const scalarSchema = z.union([z.string(), z.number(), z.boolean()]);
const nullableScalarSchema = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** The supported formats, all of which are checked. JSON Schema ignores unknown formats; here they are errors. */
export const PARAMETER_FORMATS = [
  'date',
  'time',
  'date-time',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uri',
  'uuid',
] as const;

/** One parameter: a scalar, described with keywords of JSON Schema 2020-12. */
const parameterSchema = z.strictObject({
  type: z.enum(['string', 'integer', 'number', 'boolean']),
  title: z.string().max(200).optional(),
  description: z.string().max(1000).optional(),
  enum: z.array(scalarSchema).min(1).max(200).optional(),
  const: scalarSchema.optional(),
  pattern: z.string().max(1000).optional(),
  format: z.enum(PARAMETER_FORMATS).optional(),
  minLength: z.int().nonnegative().optional(),
  maxLength: z.int().nonnegative().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  exclusiveMaximum: z.number().optional(),
  multipleOf: z.number().positive().optional(),
  default: scalarSchema.optional(),
  examples: z.array(scalarSchema).min(1).max(20).optional(),
  /** Sent to the provider but never shown: masked in responses and excerpts. */
  writeOnly: z.boolean().optional(),
  /** Its name in the query, if different. */
  as: z
    .string()
    .regex(/^[\w.$[\]-]{1,64}$/, 'Must be a query parameter name')
    .optional(),
});

const parametersSchema = z.strictObject({
  type: z.literal('object'),
  title: z.string().max(200).optional(),
  description: z.string().max(1000).optional(),
  required: z.array(z.string()).optional(),
  properties: z.record(
    z.string().regex(/^[A-Za-z]\w{0,39}$/, 'Must be a letter, then letters, digits and "_", at most 40 characters'),
    parameterSchema,
  ),
  additionalProperties: z.literal(false).optional(),
});

const authSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('header').default('header'),
    header: headerNameSchema,
    /** Text before the secret, such as `Bearer `. */
    prefix: z.string().max(100).default(''),
    secret: secretNameSchema,
  }),
  z.strictObject({ kind: z.literal('query'), parameter: queryNameSchema, secret: secretNameSchema }),
  z.strictObject({ kind: z.literal('basic'), username: z.string().max(200), secret: secretNameSchema }),
  /** Client credentials (RFC 6749 §4.4). */
  z.strictObject({
    kind: z.literal('oauth2'),
    tokenUrl: urlSchema,
    clientId: z.string().min(1).max(200),
    secret: secretNameSchema,
    scope: z.string().min(1).max(1000).optional(),
    audience: z.string().min(1).max(1000).optional(),
    /** How the client's credentials are sent to the token endpoint: HTTP Basic, or the body (RFC 6749 §2.3.1). */
    clientAuth: z.enum(['basic', 'post']).default('basic'),
  }),
]);

const everyPagination = {
  /** The array in each page; the arrays of all pages are joined. */
  itemsAt: pointerSchema.default(''),
  maxPages: z.int().min(1).max(MAX_PAGES).default(10),
  /** A boolean that is false on the last page. */
  hasMoreAt: pointerSchema.optional(),
};

const paginationSchema = z.discriminatedUnion('kind', [
  /** RFC 8288: `Link: <…>; rel="next"`. */
  z.strictObject({ kind: z.literal('link'), ...everyPagination }),
  z.strictObject({ kind: z.literal('next-url'), nextUrlAt: pointerSchema, ...everyPagination }),
  z.strictObject({
    kind: z.literal('cursor'),
    /** The cursor of the next page, in the response. Alternatively, `lastItemAt` finds it in the last item of the page. */
    cursorAt: pointerSchema.optional(),
    lastItemAt: pointerSchema.optional(),
    parameter: queryNameSchema,
    ...everyPagination,
  }),
  z.strictObject({
    kind: z.literal('page'),
    parameter: queryNameSchema,
    firstPage: z.int().nonnegative().default(1),
    ...everyPagination,
  }),
  z.strictObject({
    kind: z.literal('offset'),
    parameter: queryNameSchema,
    pageSize: z.int().min(1).max(100_000),
    ...everyPagination,
  }),
]);

/** Where to poll for a provider's unfinished work. */
const statusUrlSchema = z.union([
  z.literal('location').transform(() => ({ from: 'location' as const })),
  z.strictObject({ from: z.literal('location') }),
  z.strictObject({ at: pointerSchema }),
  z.strictObject({ template: z.string().max(2000), idAt: pointerSchema }),
]);

const statusesSchema = z.array(nullableScalarSchema).max(100);

const pollingSchema = z.strictObject({
  statusUrl: statusUrlSchema,
  /** The state of the work in a response. Without it, any 200 or 303 ends the work. */
  statusAt: pointerSchema.optional(),
  pending: statusesSchema.default([]),
  succeeded: statusesSchema.default([]),
  failed: statusesSchema.default([]),
  /** The URL of the result, if the result is not in the response itself. */
  resultUrlAt: pointerSchema.optional(),
  intervalSeconds: z.int().min(1).max(86_400).default(60),
  timeoutSeconds: z.int().min(1).max(MAX_POLLING_SECONDS).default(7200),
});

export const VERDICTS = ['data', 'empty', 'refused', 'unavailable', 'throttled'] as const;

const bodyErrorSchema = z.strictObject({
  at: pointerSchema,
  /** The values that match. Absent for any value except null. */
  in: z.array(nullableScalarSchema).min(1).max(200).optional(),
  means: z.enum(['empty', 'refused', 'unavailable', 'throttled']),
});

/** One provider of the catalogue. This checks fields on their own; `provider-rules.ts` has the rules between fields. */
export const providerSchema = z.strictObject({
  id: providerIdSchema,
  title: z.string().max(200).optional(),
  description: z.string().max(2000).optional(),
  parameters: parametersSchema.optional(),
  method: z.enum(['GET', 'POST']).default('GET'),
  /** An RFC 6570 template with `{x}`, `{?a,b}` and `{&a,b}` and a literal origin. Unlike a callback URL it is trusted. */
  url: z.string().overwrite(stripUrl),
  /** Constant headers. */
  headers: z.record(headerNameSchema, z.string().max(2000)).optional(),
  /** JSON in which each string of the form `{x}` is replaced by that parameter's value, with its type. */
  body: z.json().optional(),
  /** The header that lets the provider recognise a repeated POST. */
  idempotencyHeader: headerNameSchema.optional(),
  /** Whether sending a POST twice without such a header is safe. */
  repeatable: z.boolean().default(false),
  auth: authSchema.optional(),
  pagination: paginationSchema.optional(),
  polling: pollingSchema.optional(),
  /** Overrides the meaning that HTTP gives to a status code (`404`) or class (`4xx`). */
  responses: z
    .partialRecord(z.string().regex(/^[1-5](?:\d\d|xx)$/, 'Must be a status code, or 4xx'), z.enum(VERDICTS))
    .optional(),
  /** Identifies errors among responses with a success status; the first match counts. */
  bodyErrors: z.array(bodyErrorSchema).max(20).default([]),
  /** A header that, like `Retry-After`, says when to retry. */
  rateLimitReset: z.strictObject({ header: headerNameSchema, unit: z.enum(['seconds', 'epoch', 'date']) }).optional(),
  /** The part of the response that is delivered. */
  dataAt: pointerSchema.optional(),
  /** One timeout for DNS, connecting, headers and body; per page if there are pages. */
  timeoutMs: z.int().min(1).max(MAX_PROVIDER_TIMEOUT_MS).default(10_000),
  /** The maximum size of the response, all pages together, in bytes after decompression. */
  maxBytes: z.int().min(1).max(MAX_PROVIDER_BYTES).default(MAX_PROVIDER_BYTES),
  /** Maximum concurrent calls. Absent for no limit. */
  concurrency: z.int().min(1).max(1000).optional(),
  /** Maximum calls per second. Absent for no limit. */
  ratePerSecond: z.int().min(1).max(10_000).optional(),
});

/** A parsed provider, with defaults filled in. */
export type Provider = z.infer<typeof providerSchema>;
/** A provider as written in the catalogue file. */
export type ProviderInput = z.input<typeof providerSchema>;
export type Auth = NonNullable<Provider['auth']>;
export type Pagination = NonNullable<Provider['pagination']>;
export type Polling = NonNullable<Provider['polling']>;
export type ParametersSchema = NonNullable<Provider['parameters']>;
/** What a response means: `data`; `empty`, which is delivered as null; the others are failures. */
export type Verdict = (typeof VERDICTS)[number];

/** Values for one provider, by parameter name. */
export type Parameters = Readonly<Record<string, string | number | boolean>>;

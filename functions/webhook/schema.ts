import { type AddressExceptions, judgeHost } from '@boomerang/core/domain/address-rules.ts';
import type { Offers } from '@boomerang/core/domain/catalogue/offers.ts';
import type { Metadata } from '@boomerang/core/domain/job.ts';
import {
  MAX_METADATA_ENTRIES,
  METADATA_KEY,
  metadataFaults,
  parametersSizeFault,
} from '@boomerang/core/domain/job-input.ts';
import { isRecord } from '@boomerang/core/domain/json-values.ts';
import * as z from 'zod';
import { toJobRequest } from './job-request.ts';
import { requestedProviderSchema } from './requested-provider.ts';

export const MAX_PROVIDERS = 10;
export const MAX_URL_CHARACTERS = 2048;

/**
 * The pattern of callback URLs in the OpenAPI document. It covers syntax only: a host name with a dot whose last label is
 * not numeric, or an IP address; a port; a path and a query.
 */
const CALLBACK_URL = (() => {
  const character = '[^\\s\\\\/?#@:.\\[\\]]';
  const name = `(?:${character}{1,63}\\.){1,126}[^0-9\\s\\\\/?#@:.\\[\\]]${character}{1,62}\\.?`;
  const address = '[0-9]{1,3}(?:\\.[0-9]{1,3}){3}|\\[[0-9A-Fa-f:.]+\\]';
  return `^[Hh][Tt][Tt][Pp][Ss]?://(?:${name}|${address})(?::[0-9]{1,5})?(?:[/?][^\\s\\\\#]*)?$`;
})();

/** The callback URLs that a deployment accepts. */
export type CallbackRules = {
  /** Whether plain http is allowed. */
  allowHttp: boolean;
  exceptions: AddressExceptions;
};

/** The body of `POST /webhook`. */
export const createWebhookSchema = (offers: Offers, rules: CallbackRules) =>
  z
    .strictObject({
      providers: z
        .array(requestedProviderSchema(offers), 'Must be a list of providers')
        .min(1, 'Must name at least one provider')
        .max(MAX_PROVIDERS, `Must name at most ${MAX_PROVIDERS} providers`)
        .refine((providers) => new Set(providers.map(({ id }) => id)).size === providers.length, {
          error: 'Must name each provider once',
        })
        .superRefine((providers, context) => {
          const { parameters = {} } = toJobRequest({ providers, callbackUrl: '' });
          const message = parametersSizeFault(parameters);
          if (message !== undefined) context.addIssue({ code: 'custom', message });
        })
        .meta({
          uniqueItems: true,
          description:
            'Provider ids from the catalogue, each with or without parameters. The callback lists results in this order. All parameters together may be at most 1 KiB of JSON.',
          override: { examples: [['gas', 'internet']] },
        }),
      callbackUrl: callbackUrlSchema(rules),
      metadata: metadataSchema.optional(),
    })
    .meta({ id: 'JobRequest', description: 'What to collect, and where to post it.' })
    .transform(toJobRequest);

const metadataSchema = z
  .unknown()
  .transform((metadata, context) => {
    const faults = isRecord(metadata) ? metadataFaults(metadata) : [{ path: [], message: 'Must be an object' }];
    for (const fault of faults) context.addIssue({ code: 'custom', ...fault });
    return metadata as Metadata;
  })
  .meta({
    description:
      'Stored with the job, returned with it and echoed in its callback. At most 1 KiB of JSON. Never logged.',
    override: {
      type: 'object',
      additionalProperties: { type: 'string' },
      propertyNames: { pattern: METADATA_KEY.source },
      maxProperties: MAX_METADATA_ENTRIES,
      examples: [{ orderId: 'A-42' }],
    },
  });

/** `Idempotency-Key`: printable ASCII (draft-ietf-httpapi-idempotency-key-header; quotes count as part of the key). */
export const webhookHeadersSchema = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x20-\x7e]{1,255}$/, 'Must be 1 to 255 printable ASCII characters')
    .optional()
    .meta({
      description:
        'While the job is kept, a repeated request with the same key gets the first response again and creates no second job.',
      examples: ['order-4711'],
    }),
});

const callbackUrlSchema = (rules: CallbackRules) =>
  z
    .string('Must be a string')
    .max(MAX_URL_CHARACTERS, `Must have at most ${MAX_URL_CHARACTERS} characters`)
    .meta({
      format: 'uri',
      override: { pattern: CALLBACK_URL },
      description:
        'The URL that the data is posted to: https (http only if the deployment allows it), a host on the public internet, no user info, no fragment. The query may hold a token and is never logged.',
      examples: ['https://example.com/complete'],
    })
    .transform((text, context) => {
      const fault = faultOfUrl(text, rules);
      if (fault === undefined) return new URL(text).href;
      context.addIssue({ code: 'custom', message: fault });
      return z.NEVER;
    });

/** The first fault of a callback URL, or undefined. The syntax follows the WHATWG URL standard. */
const faultOfUrl = (text: string, { allowHttp, exceptions }: CallbackRules): string | undefined => {
  // The URL parser is lenient: it drops blanks and line breaks, and parses "https:host" and "https:///host" as "https://host".
  if (!/^[a-z][a-z0-9+.-]*:\/\/(?!\/)[^\s\\]+$/i.test(text) || !URL.canParse(text)) return 'Must be an absolute URL';
  const { protocol, hostname, port, href } = new URL(text);
  if (protocol !== 'https:' && !(allowHttp && protocol === 'http:')) {
    return allowHttp ? 'Must begin with https:// or http://' : 'Must begin with https://';
  }
  if (/^[^/]+\/\/[^/?#]*@/.test(text)) return 'Must not contain a user name or a password';
  if (text.includes('#')) return 'Must not have a fragment';
  if (port === '0') return 'Must not have port 0';
  // `href` adds a slash to an empty path.
  if (href.length > MAX_URL_CHARACTERS + 1) return `Must have at most ${MAX_URL_CHARACTERS} characters when encoded`;
  // No DNS lookup here: resolved addresses are checked when the callback is sent.
  const verdict = judgeHost(hostname, exceptions);
  return verdict === 'allowed' ? undefined : HOST_FAULTS[verdict];
};

const HOST_FAULTS = {
  forbidden_address: 'Must not be a private, local or reserved address',
  local_name: 'Must be a public host: this name resolves on local networks only',
  empty_label: 'Must be a valid host name: the label between two dots is empty',
  long_label: 'Must be a valid host name: one label has more than 63 characters',
  long_name: 'Must be a valid host name: it has more than 253 characters',
  bad_character: 'Must be a valid host name: only letters, digits, hyphens, underscores and dots are allowed',
};

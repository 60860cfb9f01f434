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
 * What the API's document says of callback addresses, of their form alone: a name with a dot in it, whose last part is no
 * number, or an address; a port; a path and a query.
 */
const CALLBACK_URL = (() => {
  const character = '[^\\s\\\\/?#@:.\\[\\]]';
  const name = `(?:${character}{1,63}\\.){1,126}[^0-9\\s\\\\/?#@:.\\[\\]]${character}{1,62}\\.?`;
  const address = '[0-9]{1,3}(?:\\.[0-9]{1,3}){3}|\\[[0-9A-Fa-f:.]+\\]';
  return `^[Hh][Tt][Tt][Pp][Ss]?://(?:${name}|${address})(?::[0-9]{1,5})?(?:[/?][^\\s\\\\#]*)?$`;
})();

/** Which callback addresses a deployment takes. */
export type CallbackRules = {
  /** Whether plain http is let through. */ allowHttp: boolean;
  exceptions: AddressExceptions;
};

/**
 * What a caller may ask for.
 *
 * @param offers the provider catalogue
 */
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
            'Ids of the provider catalogue, in the order of the callback, each with or without parameters. All parameters together are at most 1 KiB of JSON.',
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
      'Kept with the job, shown with it and echoed in its callback. At most 1 KiB of JSON. It is never logged.',
    override: {
      type: 'object',
      additionalProperties: { type: 'string' },
      propertyNames: { pattern: METADATA_KEY.source },
      maxProperties: MAX_METADATA_ENTRIES,
      examples: [{ orderId: 'A-42' }],
    },
  });

/** `Idempotency-Key`: printable ASCII (draft-ietf-httpapi-idempotency-key-header; its quotes are taken as part of the key). */
export const webhookHeadersSchema = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x20-\x7e]{1,255}$/, 'Has to be 1 to 255 printable ASCII characters')
    .optional()
    .meta({
      description: 'Makes a repeated request the same job: the first answer is given again while the job is kept.',
      examples: ['order-4711'],
    }),
});

const callbackUrlSchema = (rules: CallbackRules) =>
  z
    .string('Has to be a string')
    .max(MAX_URL_CHARACTERS, `Has to have at most ${MAX_URL_CHARACTERS} characters`)
    .meta({
      format: 'uri',
      override: { pattern: CALLBACK_URL },
      description:
        'Where the data is posted: https (http only where the deployment allows it), no user info, no fragment, and a host on the public internet. Its query may hold a token: it is never logged.',
      examples: ['https://example.com/complete'],
    })
    .transform((text, context) => {
      const complaint = judgeUrl(text, rules);
      if (complaint === undefined) return new URL(text).href;
      context.addIssue({ code: 'custom', message: complaint });
      return z.NEVER;
    });

/** The first thing that is wrong with a callback address. Source of the syntax: the WHATWG URL standard. */
const judgeUrl = (text: string, { allowHttp, exceptions }: CallbackRules): string | undefined => {
  // The URL parser is lenient: it drops blanks and line breaks, and takes "https:host" and "https:///host" for "https://host".
  if (!/^[a-z][a-z0-9+.-]*:\/\/(?!\/)[^\s\\]+$/i.test(text) || !URL.canParse(text)) return 'Has to be an absolute URL';
  const { protocol, hostname, port, href } = new URL(text);
  if (protocol !== 'https:' && !(allowHttp && protocol === 'http:')) {
    return allowHttp ? 'Has to begin with https:// or http://' : 'Has to begin with https://';
  }
  if (/^[^/]+\/\/[^/?#]*@/.test(text)) return 'Must not hold a user name or a password';
  if (text.includes('#')) return 'Must not have a fragment';
  if (port === '0') return 'Must not have port 0: nothing can listen there';
  // A path that is empty becomes a slash.
  if (href.length > MAX_URL_CHARACTERS + 1) return `Has to have at most ${MAX_URL_CHARACTERS} characters, once encoded`;
  // Here without asking any name server; where names lead is judged when the call is made.
  const verdict = judgeHost(hostname, exceptions);
  return verdict === 'allowed' ? undefined : HOST_COMPLAINTS[verdict];
};

const HOST_COMPLAINTS = {
  forbidden_address: 'Must not lead to an address that is private, local or reserved',
  local_name: 'Has to name a public host: this name is known on local networks only',
  empty_label: 'Must name a host that can exist: there is nothing between two dots of this name',
  long_label: 'Must name a host that can exist: a part of this name has more than 63 characters',
  long_name: 'Must name a host that can exist: this name has more than 253 characters',
  bad_character: 'Must name a host that can exist: names have only letters, digits, hyphens, underscores and dots',
};

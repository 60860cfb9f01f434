import * as z from 'zod';

export const MAX_PROVIDERS = 10;
export const MAX_URL_CHARACTERS = 2048;

/**
 * What a caller may ask for.
 *
 * @param knownProviders ids of the provider catalogue
 * @param allowHttp whether plain http is let through
 */
export const createWebhookSchema = (knownProviders: ReadonlySet<string>, { allowHttp }: { allowHttp: boolean }) =>
  z.strictObject({
    providers: z
      .array(
        z.string('Has to be a string').refine((id) => knownProviders.has(id), {
          error: ({ input }) => `"${String(input).slice(0, 100)}" is not a known provider`,
        }),
        'Has to be a list of provider ids',
      )
      .min(1, 'Has to name at least one provider')
      .max(MAX_PROVIDERS, `Has to name at most ${MAX_PROVIDERS} providers`)
      .refine((ids) => new Set(ids).size === ids.length, 'Has to name each provider once'),
    callbackUrl: callbackUrlSchema(allowHttp),
  });

export type WebhookBody = z.infer<ReturnType<typeof createWebhookSchema>>;

const callbackUrlSchema = (allowHttp: boolean) =>
  z
    .string('Has to be a string')
    .max(MAX_URL_CHARACTERS, `Has to have at most ${MAX_URL_CHARACTERS} characters`)
    .transform((text, context) => {
      const complaint = judgeUrl(text, allowHttp);
      if (complaint === undefined) return new URL(text).href;
      context.addIssue({ code: 'custom', message: complaint });
      return z.NEVER;
    });

/** The first thing that is wrong with a callback address. Source of the syntax: the WHATWG URL standard. */
const judgeUrl = (text: string, allowHttp: boolean): string | undefined => {
  // The URL parser is lenient: it drops blanks and line breaks, and takes "https:host" and "https:///host" for "https://host".
  if (!/^[a-z][a-z0-9+.-]*:\/\/(?!\/)[^\s\\]+$/i.test(text) || !URL.canParse(text)) return 'Has to be an absolute URL';
  const { protocol, username, password, href } = new URL(text);
  if (protocol !== 'https:' && !(allowHttp && protocol === 'http:')) {
    return allowHttp ? 'Has to begin with https:// or http://' : 'Has to begin with https://';
  }
  if (username !== '' || password !== '') return 'Must not hold a user name or a password';
  if (text.includes('#')) return 'Must not have a fragment';
  if (href.length > MAX_URL_CHARACTERS) return `Has to have at most ${MAX_URL_CHARACTERS} characters, once encoded`;
  return undefined;
};

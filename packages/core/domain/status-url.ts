/** Validates URLs in providers' responses before a request with our credential is sent to them. */

/** Limited because a ticket's URL is stored with its job. */
export const MAX_STATUS_URL_CHARACTERS = 2_048;

/** A provider's response contains a URL that must not be called. The message quotes only its origin. */
export class UnusableAddress extends Error {
  override name = 'UnusableAddress';
  /** The URL as sent, which may contain a token. */
  readonly reference: string | undefined;

  constructor(message: string, reference?: string, options?: ErrorOptions) {
    super(message, options);
    this.reference = reference;
  }
}

/**
 * Resolves a URL in a provider's response. The result has the provider's origin, and neither user info nor a fragment.
 *
 * @param reference absolute, or relative to `requestUrl` (RFC 3986 §5)
 * @param requestUrl the URL of the request that the response belongs to
 * @throws UnusableAddress
 */
export const resolveSameOrigin = (reference: string, requestUrl: string): string => {
  const unusable = (reason: string) => new UnusableAddress(reason, reference);
  const base = new URL(requestUrl);
  // A relative reference would inherit the user info, and the result is stored.
  Object.assign(base, { username: '', password: '' });
  if (!URL.canParse(reference, base.href)) throw unusable('is not a URL');
  const url = new URL(reference, base);
  if (url.origin !== base.origin) throw unusable(`has another origin, ${originOf(url)}`);
  if (url.username !== '' || url.password !== '') throw unusable('has user info');
  url.hash = '';
  if (url.href.length > MAX_STATUS_URL_CHARACTERS) {
    throw unusable(`has more than ${MAX_STATUS_URL_CHARACTERS} characters`);
  }
  return url.href;
};

/** The scheme, such as `data:`, if it has no origin. */
const originOf = ({ protocol, origin }: URL): string => (origin === 'null' ? protocol : origin);

/** Whether a stored URL still has the provider's origin: the catalogue may have changed. */
export const hasOriginOf = (stored: string, template: string): boolean =>
  URL.canParse(stored) && new URL(stored).origin === literalOf(template).origin;

/** Adds the user info of the provider's URL to an address. */
export const withUserInfoOf = (template: string, address: string): string => {
  const { username, password } = literalOf(template);
  if (username === '' && password === '') return address;
  return Object.assign(new URL(address), { username, password }).href;
};

/** A URL template up to its first variable. This part contains the whole origin. */
const literalOf = (template: string): URL => new URL(template.replace(/\{.*$/s, ''));

/** Addresses that a provider names for its unfinished work, judged before anything is sent there with our credential. */

/** Longer ones are no tickets: each is stored with its job. */
export const MAX_STATUS_URL_CHARACTERS = 2_048;

/** What a provider names is no address that may be asked. The message quotes nothing of it but its origin. */
export class UnusableAddress extends Error {
  override name = 'UnusableAddress';
  /** What it named, which may hold a token. */
  readonly reference: string | undefined;

  constructor(message: string, reference?: string, options?: ErrorOptions) {
    super(message, options);
    this.reference = reference;
  }
}

/**
 * An address that a provider names, as it may be kept and asked: of the provider's origin, without user info and fragment.
 *
 * @param reference absolute, or relative to what was asked (RFC 3986 §5)
 * @param asked the URL of the request that was answered with it
 * @throws UnusableAddress
 */
export const resolveSameOrigin = (reference: string, asked: string): string => {
  const unusable = (why: string) => new UnusableAddress(why, reference);
  const base = new URL(asked);
  // A relative reference would inherit it, and the address is kept.
  Object.assign(base, { username: '', password: '' });
  if (!URL.canParse(reference, base.href)) throw unusable('is not a URL');
  const url = new URL(reference, base);
  if (url.origin !== base.origin) throw unusable(`is of another origin, ${originOf(url)}`);
  if (url.username !== '' || url.password !== '') throw unusable('has user info');
  url.hash = '';
  if (url.href.length > MAX_STATUS_URL_CHARACTERS) {
    throw unusable(`has more than ${MAX_STATUS_URL_CHARACTERS} characters`);
  }
  return url.href;
};

/** Schemes without hosts have no origin. */
const originOf = ({ protocol, origin }: URL): string => (origin === 'null' ? protocol : origin);

/** Whether an address that was kept is still of a provider's origin: the catalogue may have changed. */
export const isOfOrigin = (kept: string, template: string): boolean =>
  URL.canParse(kept) && new URL(kept).origin === literalOf(template).origin;

/** An address of a provider, with the user info that the provider's URL has. */
export const withUserInfoOf = (template: string, address: string): string => {
  const { username, password } = literalOf(template);
  if (username === '' && password === '') return address;
  return Object.assign(new URL(address), { username, password }).href;
};

/** A URL template up to its first variable, which holds the whole origin. */
const literalOf = (template: string): URL => new URL(template.replace(/\{.*$/s, ''));

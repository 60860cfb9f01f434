/** Addresses that a provider names for its unfinished work, judged before anything is sent there with our credential. */

/** Longer ones are no tickets: each is stored with its job. */
export const MAX_STATUS_URL_CHARACTERS = 2_048;

/** What a provider names is no address that may be asked. The message quotes nothing of it but its origin. */
export class UnusableAddress extends Error {
  override name = 'UnusableAddress';
}

/**
 * An address that a provider names, as it may be kept and asked: of the provider's origin, without user info and fragment.
 *
 * @param reference absolute, or relative to what was asked (RFC 3986 §5)
 * @param asked the URL of the request that was answered with it
 * @throws UnusableAddress
 */
export const resolveSameOrigin = (reference: string, asked: string): string => {
  const base = withoutUserInfo(asked);
  if (!URL.canParse(reference, base)) throw new UnusableAddress('is not a URL');
  const url = new URL(reference, base);
  if (url.origin !== base.origin) throw new UnusableAddress(`is of another origin, ${originOf(url)}`);
  if (url.username !== '' || url.password !== '') throw new UnusableAddress('has user info');
  url.hash = '';
  if (url.href.length > MAX_STATUS_URL_CHARACTERS)
    throw new UnusableAddress(`has more than ${MAX_STATUS_URL_CHARACTERS} characters`);
  return url.href;
};

/** Whether an address that was kept is still of the provider's origin, which its catalogue may have changed. */
export const isSameOrigin = (kept: string, url: string): boolean =>
  URL.canParse(kept) && new URL(kept).origin === new URL(url).origin;

/** An address of a provider, with the user info that its catalogue has as a credential. */
export const withUserInfoOf = (url: string, address: string): string => {
  const { username, password } = new URL(url);
  if (username === '' && password === '') return address;
  return Object.assign(new URL(address), { username, password }).href;
};

const withoutUserInfo = (url: string): URL => Object.assign(new URL(url), { username: '', password: '' });

/** Schemes without hosts have none. */
const originOf = ({ protocol, origin }: URL): string => (origin === 'null' ? protocol : origin);

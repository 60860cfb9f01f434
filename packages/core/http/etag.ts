import { createHash } from 'node:crypto';

const TAG_CHARACTERS = 22;

/** A strong entity tag of a response body (RFC 9110 §8.8.3). */
export const etagOf = (text: string): string =>
  `"${createHash('sha256').update(text).digest('base64url').slice(0, TAG_CHARACTERS)}"`;

/** Whether an If-None-Match header lists the tag (RFC 9110 §13.1.2), ignoring `W/`: proxies may make a tag weak. */
export const matchesEtag = (ifNoneMatch: string | undefined, etag: string): boolean => {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  const tags: readonly string[] = ifNoneMatch.match(/"[^"]*"/g) ?? [];
  return tags.includes(etag.replace(/^W\//, ''));
};

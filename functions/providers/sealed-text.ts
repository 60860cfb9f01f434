import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Signs a text: `<base64url of the text>.<base64url of its HMAC-SHA256>`. Any reader can decode it; only a holder of the secret
 * can make it. The mock providers keep nothing, so that a token or an id carries what a later request has to know.
 *
 * @param purpose what the text is for: a text sealed for one purpose is worthless for another
 */
export const sealText = (secret: string, purpose: string, text: string): string => {
  const mac = createHmac('sha256', secret).update(`${purpose}\n${text}`).digest('base64url');
  return `${Buffer.from(text, 'utf8').toString('base64url')}.${mac}`;
};

/** @returns the text; undefined for anything that was not sealed with this secret and for this purpose */
export const unsealText = (secret: string, purpose: string, sealed: string): string | undefined => {
  const text = Buffer.from(sealed.split('.')[0] ?? '', 'base64url').toString('utf8');
  return isSameSecret(sealText(secret, purpose, text), sealed) ? text : undefined;
};

/** Compares two texts in a time that does not depend on where they differ. */
export const isSameSecret = (a: string, b: string): boolean => {
  const [digestOfA, digestOfB] = [a, b].map((text) => createHmac('sha256', 'comparison').update(text).digest());
  return digestOfA !== undefined && digestOfB !== undefined && timingSafeEqual(digestOfA, digestOfB);
};

import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Signs a text: `<base64url of the text>.<base64url of its HMAC-SHA256>`. The text is readable without the secret but cannot
 * be forged. The mock providers store nothing: tokens and ids carry all state.
 *
 * @param purpose a text sealed for one purpose does not verify for another
 */
export const sealText = (secret: string, purpose: string, text: string): string => {
  const mac = createHmac('sha256', secret).update(`${purpose}\n${text}`).digest('base64url');
  return `${Buffer.from(text, 'utf8').toString('base64url')}.${mac}`;
};

/** @returns the text; undefined if it was not sealed with this secret for this purpose */
export const unsealText = (secret: string, purpose: string, sealed: string): string | undefined => {
  const text = Buffer.from(sealed.split('.')[0] ?? '', 'base64url').toString('utf8');
  return isSameSecret(sealText(secret, purpose, text), sealed) ? text : undefined;
};

/** Compares two texts in constant time. */
export const isSameSecret = (a: string, b: string): boolean => {
  const [digestOfA, digestOfB] = [a, b].map((text) => createHmac('sha256', 'comparison').update(text).digest());
  return digestOfA !== undefined && digestOfB !== undefined && timingSafeEqual(digestOfA, digestOfB);
};

import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';

/** How far the timestamp of a message may be off, seconds. */
const TOLERANCE_SECONDS = 5 * 60;

/** @throws RangeError for a secret that holds no key: everyone could sign with an empty one */
const keyOf = (secret: string): KeyObject => {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  if (key.length === 0) throw new RangeError('the signing secret holds no key');
  // createHmac also takes the bytes, but then takes three times as long.
  return createSecretKey(key);
};

/** Two updates instead of one text: the body may have 10 MiB. */
const sign = (secret: string, id: string, seconds: number, body: string): string =>
  `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${seconds}.`).update(body).digest('base64')}`;

/**
 * The signature headers of Standard Webhooks: the HMAC-SHA256 of `id.timestamp.body`, once per secret, so that receivers can
 * verify with either secret during a rotation.
 *
 * @param secrets `whsec_` and base64, at least one
 * @param body exactly as sent
 * @param now epoch milliseconds
 */
export const signatureHeaders = (
  secrets: string[],
  id: string,
  body: string,
  now: number,
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> => {
  const seconds = Math.floor(now / 1000);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': secrets.map((secret) => sign(secret, id, seconds, body)).join(' '),
  };
};

/** Whether a message has a valid signature and its timestamp is at most five minutes off. */
export const isSigned = (
  secret: string,
  headers: Readonly<Record<string, string | undefined>>,
  body: string,
): boolean => {
  const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '', 'webhook-signature': signatures = '' } = headers;
  const seconds = Number(timestamp);
  const isTimely = /^\d+$/.test(timestamp) && Math.abs(Date.now() / 1000 - seconds) <= TOLERANCE_SECONDS;
  if (id === '' || !isTimely) return false;
  const expected = Buffer.from(sign(secret, id, seconds, body));
  return signatures.split(' ').some((signature) => {
    const received = Buffer.from(signature);
    return received.length === expected.length && timingSafeEqual(received, expected);
  });
};

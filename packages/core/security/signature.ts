import { Webhook, WebhookVerificationError } from 'standardwebhooks';

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
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> => ({
  'webhook-id': id,
  'webhook-timestamp': String(Math.floor(now / 1000)),
  'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, new Date(now), body)).join(' '),
});

/** Whether a message has a valid signature and its timestamp is at most five minutes off. */
export const isSigned = (
  secret: string,
  headers: Readonly<Record<string, string | undefined>>,
  body: string,
): boolean => {
  const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
  const signed = Object.fromEntries(names.map((name) => [name, headers[name] ?? '']));
  try {
    new Webhook(secret).verify(body, signed, { jsonParse: false });
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
};

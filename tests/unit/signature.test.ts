import { createHmac } from 'node:crypto';
import { liveSecrets, rotateSecret } from '@boomerang/core/domain/client.ts';
import { newSigningSecret } from '@boomerang/core/security/credentials.ts';
import { isSigned, signatureHeaders } from '@boomerang/core/security/signature.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';

const MINUTE_MS = 60_000;
const id = '01a20b4c-cf47-716b-85d8-5343742576b8';
const body = '{"jobId":"01a20b4c","data":[{"providerId":"gas","data":["é",12345678901234567890]}]}';

/** The scheme as the specification describes it, without a library. */
const isSignedPerSpec = (secret: string, headers: Record<string, string>, text: string): boolean => {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const message = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`;
  const expected = `v1,${createHmac('sha256', key).update(message, 'utf8').digest('base64')}`;
  return (headers['webhook-signature'] ?? '').split(' ').includes(expected);
};

const verifiers: [string, (secret: string, headers: Record<string, string>, text: string) => boolean][] = [
  ['isSigned', isSigned],
  ['the official library', accepts((secret) => new Webhook(secret))],
  ['svix', accepts((secret) => new SvixWebhook(secret))],
];

function accepts(create: (secret: string) => { verify: (text: string, headers: Record<string, string>) => unknown }) {
  return (secret: string, headers: Record<string, string>, text: string): boolean => {
    try {
      create(secret).verify(text, headers);
      return true;
    } catch {
      return false;
    }
  };
}

describe.each([...verifiers, ['node:crypto', isSignedPerSpec] as const])('%s', (_name, verify) => {
  test('accepts every signed message', () => {
    fc.assert(
      fc.property(fc.json(), fc.uuid(), (text, messageId) => {
        const secret = newSigningSecret();
        expect(verify(secret, signatureHeaders([secret], messageId, text, Date.now()), text)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('accepts either secret during a rotation, and no other', () => {
    const [fresh, old, unrelated] = [newSigningSecret(), newSigningSecret(), newSigningSecret()];
    const headers = signatureHeaders([fresh, old], id, body, Date.now());
    expect([fresh, old, unrelated].map((secret) => verify(secret, headers, body))).toEqual([true, true, false]);
  });

  test('rejects one changed byte of the body, wherever it is', () => {
    const secret = newSigningSecret();
    const headers = signatureHeaders([secret], id, body, Date.now());
    for (let at = 0; at < body.length; at += 1) {
      const changed = body.slice(0, at) + (body[at] === 'x' ? 'y' : 'x') + body.slice(at + 1);
      expect(verify(secret, headers, changed)).toBe(false);
    }
  });

  test('rejects another id or timestamp', () => {
    const secret = newSigningSecret();
    const now = Date.now();
    const headers = signatureHeaders([secret], id, body, now);
    const later = String(Math.floor(now / 1000) + 1);
    expect(verify(secret, { ...headers, 'webhook-id': `${id}_r1` }, body)).toBe(false);
    expect(verify(secret, { ...headers, 'webhook-timestamp': later }, body)).toBe(false);
  });
});

test.each(verifiers)('%s rejects signatures six minutes old or ahead', (_name, verify) => {
  const secret = newSigningSecret();
  for (const offset of [-6 * MINUTE_MS, 6 * MINUTE_MS]) {
    expect(verify(secret, signatureHeaders([secret], id, body, Date.now() + offset), body)).toBe(false);
  }
});

test.each([{}, { 'webhook-id': id }, { 'webhook-signature': 'v1,' }])(
  'an unsigned message is rejected: %j',
  (headers) => {
    expect(isSigned(newSigningSecret(), headers, body)).toBe(false);
  },
);

describe('a rotation', () => {
  const now = 1_800_000_000_000;

  test('signs with both the old and the new secret until the overlap ends', () => {
    const rotated = { secrets: rotateSecret({ secrets: [{ secret: 'old' }] }, 'new', now, MINUTE_MS) };
    expect(liveSecrets(rotated, now)).toEqual(['new', 'old']);
    expect(liveSecrets(rotated, now + MINUTE_MS - 1)).toEqual(['new', 'old']);
    expect(liveSecrets(rotated, now + MINUTE_MS)).toEqual(['new']);
  });

  test('ends the old secret at once if the overlap is zero', () => {
    expect(rotateSecret({ secrets: [{ secret: 'old' }] }, 'new', now, 0)).toEqual([{ secret: 'new' }]);
  });

  test('does not prolong earlier secrets, and drops expired ones', () => {
    const first = rotateSecret({ secrets: [{ secret: 'a' }] }, 'b', now, MINUTE_MS);
    const second = rotateSecret({ secrets: first }, 'c', now + 1, 10 * MINUTE_MS);
    expect(second).toEqual([
      { secret: 'c' },
      { secret: 'b', expiresAt: now + 1 + 10 * MINUTE_MS },
      { secret: 'a', expiresAt: now + MINUTE_MS },
    ]);
    expect(rotateSecret({ secrets: second }, 'd', now + MINUTE_MS, MINUTE_MS).map(({ secret }) => secret)).toEqual([
      'd',
      'c',
      'b',
    ]);
  });
});

test('a secret without a key neither signs nor verifies', () => {
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
    'webhook-signature': '',
  };
  expect(() => signatureHeaders(['whsec_'], id, body, Date.now())).toThrow('holds no key');
  expect(() => isSigned('whsec_', headers, body)).toThrow('holds no key');
});

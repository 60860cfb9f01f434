import { createAuthenticate } from '@boomerang/core/http/authenticate.ts';
import type { Unauthorized } from '@boomerang/core/http/problem.ts';
import type { FindCaller } from '@boomerang/core/ports/clients.ts';
import { hashApiKey, newApiKey } from '@boomerang/core/security/credentials.ts';
import { describe, expect, test } from '@jest/globals';

const KEY = newApiKey();
const CALLER = { clientId: 'client', name: 'acme' };

const createWorld = () => {
  const lookups: string[] = [];
  const findCaller: FindCaller = async (keyHash) => {
    lookups.push(keyHash);
    return keyHash === hashApiKey(KEY) ? CALLER : undefined;
  };
  return { lookups, authenticate: createAuthenticate(findCaller) };
};

describe('a caller', () => {
  test.each([`Bearer ${KEY}`, `bearer ${KEY}`, `BEARER   ${KEY}`, ` Bearer ${KEY} `])(
    'is identified by %s',
    async (header) => {
      expect(await createWorld().authenticate(header)).toEqual(CALLER);
    },
  );

  test('is looked up once for many calls, by the hash of the key alone', async () => {
    const { authenticate, lookups } = createWorld();
    await Promise.all(Array.from({ length: 20 }, () => authenticate(`Bearer ${KEY}`)));
    await authenticate(`Bearer ${KEY}`);
    expect(lookups).toEqual([hashApiKey(KEY)]);
  });

  test('is cached even if unknown', async () => {
    const { authenticate, lookups } = createWorld();
    for (let time = 0; time < 3; time += 1) {
      await expect(authenticate('Bearer nobody')).rejects.toMatchObject({ status: 401 });
    }
    expect(lookups).toHaveLength(1);
  });

  test('is looked up again after a failed lookup', async () => {
    let isDown = true;
    const authenticate = createAuthenticate(async () => {
      if (isDown) throw new Error('down');
      return CALLER;
    });
    await expect(authenticate(`Bearer ${KEY}`)).rejects.toThrow('down');
    isDown = false;
    expect(await authenticate(`Bearer ${KEY}`)).toEqual(CALLER);
  });

  test.each([
    `Basic ${KEY}`,
    KEY,
    'Bearer',
    'Bearer ',
    `Bearer ${KEY} x`,
    `Bearer ${KEY},Bearer ${KEY}`,
    `Bearer ${'x'.repeat(256)}`,
    'Bearer é',
    `Bearer ${KEY.slice(1)}`,
    '',
  ])('that sends %j is refused, with a challenge', async (header) => {
    await expect(createWorld().authenticate(header)).rejects.toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="boomerang", error="invalid_token"' },
    });
  });

  test('is refused with the reason, and with a fingerprint only if the key has our format', async () => {
    const refusalOf = (header: string | undefined) =>
      createWorld()
        .authenticate(header)
        .catch((error: Unauthorized) => error);
    const other = newApiKey();
    const fingerprint = hashApiKey(other).slice(0, 8);
    expect(await refusalOf(`Bearer ${other}`)).toMatchObject({ reason: 'unknown_key', keyFingerprint: fingerprint });
    expect(await refusalOf('Bearer hunter2')).toMatchObject({ reason: 'unknown_key', keyFingerprint: undefined });
    expect(await refusalOf(`Basic ${other}`)).toMatchObject({
      reason: 'malformed_credentials',
      keyFingerprint: undefined,
    });
    expect(await refusalOf(undefined)).toMatchObject({ reason: 'no_credentials', keyFingerprint: undefined });
  });

  test('without a key is refused, with a challenge that names no error', async () => {
    await expect(createWorld().authenticate(undefined)).rejects.toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="boomerang"' },
    });
  });
});

test("an API key matches the secret scanners' pattern and holds 32 random bytes", () => {
  expect(newApiKey()).toMatch(/^bmr_[\w-]{43}$/);
  expect(newApiKey()).not.toBe(newApiKey());
});

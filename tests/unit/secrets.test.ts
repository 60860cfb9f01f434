import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { createFindSecret } from '@boomerang/core/adapters/secrets.ts';
import { SecretMissing } from '@boomerang/core/ports/secrets.ts';
import { afterEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';

const ssm = mockClient(SSMClient);
afterEach(() => void ssm.reset());

describe('a secret', () => {
  test('is an environment variable in capitals if no path is set', async () => {
    const find = createFindSecret(new SSMClient(), '', { GAS_API_KEY: ' value\n' });
    expect(await find('gas-api.key')).toBe('value');
    expect(ssm.calls()).toHaveLength(0);
  });

  test('is a decrypted parameter under the path, and cached', async () => {
    ssm.on(GetParameterCommand).resolves({ Parameter: { Value: 'value' } });
    const find = createFindSecret(new SSMClient(), '/boomerang-dev/providers', { GAS: 'another' });
    expect(await Promise.all([find('gas'), find('gas')])).toEqual(['value', 'value']);
    expect(ssm.commandCalls(GetParameterCommand).map(({ args }) => args[0].input)).toEqual([
      { Name: '/boomerang-dev/providers/gas', WithDecryption: true },
    ]);
  });

  test.each([
    ['is empty', { Parameter: { Value: ' ' } }],
    ['has no value', {}],
  ])('that %s is missing', async (_name, output) => {
    ssm.on(GetParameterCommand).resolves(output);
    await expect(createFindSecret(new SSMClient(), '/p', {})('gas')).rejects.toBeInstanceOf(SecretMissing);
  });

  test('that cannot be read counts as missing, and is read again at the next call', async () => {
    ssm
      .on(GetParameterCommand)
      .rejectsOnce(new Error('denied'))
      .resolves({ Parameter: { Value: 'value' } });
    const find = createFindSecret(new SSMClient({ maxAttempts: 1 }), '/p', {});
    await expect(find('gas')).rejects.toBeInstanceOf(SecretMissing);
    expect(await find('gas')).toBe('value');
  });
});

import { GetParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { type FindSecret, SecretMissing } from '../ports/secrets.ts';
import { cached } from '../security/cached.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Finds secrets by name: SSM parameters (SecureString) under a path, or environment variables if the path is empty. Cached for a
 * minute.
 *
 * @param path SSM parameter path; empty for environment variables
 */
export const createFindSecret = (client: SSMClient, path: string, environment: Environment): FindSecret => {
  const find = cached(async (name) => {
    try {
      return await (path === '' ? environment[variableOf(name)] : readParameter(client, `${path}/${name}`));
    } catch (cause) {
      throw new SecretMissing(`the secret ${name} can't be read`, { cause });
    }
  });
  return async (name, options) => {
    const secret = (await find(name, options))?.trim();
    if (!secret) throw new SecretMissing(`the secret ${name} is not set`);
    return secret;
  };
};

/** The environment variable of a secret: `gas-api-key` is in `GAS_API_KEY`. */
export const variableOf = (name: string): string => name.toUpperCase().replace(/[^A-Z0-9]/g, '_');

const readParameter = async (client: SSMClient, name: string): Promise<string | undefined> => {
  const { Parameter } = await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
  return Parameter?.Value;
};

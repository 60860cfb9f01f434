import { variableOf } from '@boomerang/core/adapters/secrets.ts';
import type { Catalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import { type FindSecret, SecretMissing } from '@boomerang/core/ports/secrets.ts';

/** A missing provider credential. */
export type UnsetSecret = { providerId: string; secret: string; variable: string; reason: string };

/** Finds the credentials in a catalogue that are not set. */
export const findUnsetSecrets = async (catalogue: Catalogue, findSecret: FindSecret): Promise<UnsetSecret[]> => {
  const unset: UnsetSecret[] = [];
  for (const { id, auth } of catalogue.values()) {
    if (!auth) continue;
    try {
      await findSecret(auth.secret);
    } catch (error) {
      if (!(error instanceof SecretMissing)) throw error;
      unset.push({ providerId: id, secret: auth.secret, variable: variableOf(auth.secret), reason: error.message });
    }
  }
  return unset;
};

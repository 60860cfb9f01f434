import { variableOf } from '@boomerang/core/adapters/secrets.ts';
import type { Catalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import { type FindSecret, SecretMissing } from '@boomerang/core/ports/secrets.ts';

/** A credential that calls to a provider would need. */
export type UnsetSecret = { providerId: string; secret: string; variable: string; reason: string };

/** The credentials of a catalogue that can't be had, by the providers that want them. */
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

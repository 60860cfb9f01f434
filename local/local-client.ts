import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { liveSecrets } from '@boomerang/core/domain/client.ts';
import type { ClientAdmin } from '@boomerang/core/ports/clients.ts';
import { hashApiKey, newApiKey, newSigningSecret } from '@boomerang/core/security/credentials.ts';
import { DataFolderError, explainFileError, writePrivateFile } from './data-folder.ts';

/** The client that the embedded cloud creates for its user. */
export type LocalClient = { apiKey: string; signingSecret: string };

const LOCAL_CLIENT_ID = 'local';
const KEY_FILE = 'local-api-key';

/**
 * Finds or creates the local client. Its API key is stored in the data folder, so that it stays the same.
 * @param fixed API key and signing secret set by the environment
 */
export const ensureLocalClient = async (
  clients: Pick<ClientAdmin, 'get' | 'put'>,
  folder: string,
  fixed: { apiKey?: string | undefined; signingSecret?: string | undefined },
  now: number,
): Promise<LocalClient> => {
  const stored = await clients.get(LOCAL_CLIENT_ID);
  const apiKey = fixed.apiKey ?? ensureApiKey(folder);
  const [storedSecret] = stored ? liveSecrets(stored, now) : [];
  const signingSecret = fixed.signingSecret ?? storedSecret ?? newSigningSecret();
  await clients.put({
    clientId: LOCAL_CLIENT_ID,
    name: 'local',
    keyHash: hashApiKey(apiKey),
    secrets: stored && signingSecret === storedSecret ? stored.secrets : [{ secret: signingSecret }],
    createdAt: stored?.createdAt ?? now,
    ...(stored?.ratePerSecond !== undefined && { ratePerSecond: stored.ratePerSecond }),
    ...(stored?.callbackHeaders !== undefined && { callbackHeaders: stored.callbackHeaders }),
  });
  return { apiKey, signingSecret };
};

/** Reads the API key in a data folder; undefined if the embedded cloud never ran there. @throws DataFolderError */
export const readApiKey = (folder: string): string | undefined => {
  const file = path.join(folder, KEY_FILE);
  if (!existsSync(file)) return undefined;
  try {
    // A full disk may have left the file empty.
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch (cause) {
    throw new DataFolderError(`DATA_DIR: ${file} ${explainFileError(cause as NodeJS.ErrnoException)}`, { cause });
  }
};

const ensureApiKey = (folder: string): string => {
  const stored = readApiKey(folder);
  if (stored !== undefined) return stored;
  const apiKey = newApiKey();
  writePrivateFile(path.join(folder, KEY_FILE), apiKey);
  return apiKey;
};

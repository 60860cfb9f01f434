import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { liveSecrets } from '@boomerang/core/domain/client.ts';
import type { ClientAdmin } from '@boomerang/core/ports/clients.ts';
import { hashApiKey, newApiKey, newSigningSecret } from '@boomerang/core/security/credentials.ts';
import { DataFolderError, explain, writePrivateFile } from './data-folder.ts';

/** What the one who runs the embedded cloud calls it with. */
export type LocalClient = { apiKey: string; signingSecret: string };

const LOCAL_CLIENT_ID = 'local';
const KEY_FILE = 'local-api-key';

/**
 * Makes the local client, or finds it: its key is kept beside the data, so that it is the same at every start.
 * @param fixed what the environment wants its key and its secret to be
 */
export const ensureLocalClient = async (
  clients: Pick<ClientAdmin, 'get' | 'put'>,
  folder: string,
  fixed: { apiKey?: string | undefined; signingSecret?: string | undefined },
  now: number,
): Promise<LocalClient> => {
  const stored = await clients.get(LOCAL_CLIENT_ID);
  const apiKey = fixed.apiKey ?? keptApiKey(folder);
  const [kept] = stored ? liveSecrets(stored, now) : [];
  const signingSecret = fixed.signingSecret ?? kept ?? newSigningSecret();
  await clients.put({
    clientId: LOCAL_CLIENT_ID,
    name: 'local',
    keyHash: hashApiKey(apiKey),
    secrets: stored && signingSecret === kept ? stored.secrets : [{ secret: signingSecret }],
    createdAt: stored?.createdAt ?? now,
    ...(stored?.ratePerSecond !== undefined && { ratePerSecond: stored.ratePerSecond }),
    ...(stored?.callbackHeaders !== undefined && { callbackHeaders: stored.callbackHeaders }),
  });
  return { apiKey, signingSecret };
};

/** The key that is kept beside the data; undefined where the cloud was never started. @throws DataFolderError */
export const readApiKey = (folder: string): string | undefined => {
  const file = path.join(folder, KEY_FILE);
  if (!existsSync(file)) return undefined;
  try {
    // A file that a full disk left empty holds none.
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch (cause) {
    throw new DataFolderError(`DATA_DIR: ${file} ${explain(cause as NodeJS.ErrnoException)}`, { cause });
  }
};

const keptApiKey = (folder: string): string => {
  const kept = readApiKey(folder);
  if (kept !== undefined) return kept;
  const apiKey = newApiKey();
  writePrivateFile(path.join(folder, KEY_FILE), apiKey);
  return apiKey;
};

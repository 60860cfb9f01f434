import type { CallbackHeader } from '../domain/callback-headers.ts';
import type { Client } from '../domain/client.ts';

/** Who calls. */
export type Caller = Pick<Client, 'clientId' | 'name' | 'ratePerSecond'>;

/** The caller that an API key belongs to, by the key's SHA-256; undefined for unknown keys and revoked clients. */
export type FindCaller = (keyHash: string) => Promise<Caller | undefined>;

/** What callbacks and revoking need of a client, as it is stored; undefined for one that does not exist. */
export type FindClient = (
  clientId: string,
) => Promise<Pick<Client, 'secrets' | 'revokedAt' | 'callbackHeaders'> | undefined>;

/** What operators do. */
export type ClientAdmin = {
  /** Stores a client, in place of whatever was there under its id. */
  put: (client: Client) => Promise<void>;
  get: (clientId: string) => Promise<Client | undefined>;
  list: () => Promise<Client[]>;
  /**
   * Replaces the secrets.
   * @throws StaleClient when somebody else has changed them since `client` was read
   */
  replaceSecrets: (client: Client, secrets: Client['secrets']) => Promise<void>;
  /** Sets how many jobs a second a client may post; undefined takes the deployment's default again. */
  setRate: (clientId: string, ratePerSecond: number | undefined) => Promise<void>;
  /**
   * Sets the headers of a client's callbacks, in place of those it had; an empty list removes them.
   * @throws StaleClient for a client that does not exist
   */
  setCallbackHeaders: (clientId: string, headers: CallbackHeader[]) => Promise<void>;
  /** Marks a client as revoked; one that is revoked already stays as it is. */
  revoke: (clientId: string, now: number) => Promise<void>;
};

/** Somebody else has changed or deleted the client since it was read. */
export class StaleClient extends Error {
  override name = 'StaleClient';
}

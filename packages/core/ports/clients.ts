import type { CallbackHeader } from '../domain/callback-headers.ts';
import type { Client } from '../domain/client.ts';

/** An authenticated client. */
export type Caller = Pick<Client, 'clientId' | 'name' | 'ratePerSecond' | 'isOperator'>;

/** Finds a caller by the SHA-256 of its API key; undefined for unknown keys and revoked clients. */
export type FindCaller = (keyHash: string) => Promise<Caller | undefined>;

/** A client without its secrets. */
export type ListedClient = Pick<Client, 'clientId' | 'name' | 'revokedAt' | 'isOperator'>;

/** All clients, unordered. */
export type ListClients = () => Promise<ListedClient[]>;

/** How many of a client's newest jobs are pending. */
export type PendingCount = {
  pendingJobs: number;
  /** Whether older jobs were not counted. */
  isTruncated: boolean;
};

/** Counts a client's pending jobs, at limited cost. */
export type CountPending = (clientId: string) => Promise<PendingCount>;

/** Finds a client's callback settings and revocation; undefined if it does not exist. */
export type FindClient = (
  clientId: string,
) => Promise<Pick<Client, 'secrets' | 'revokedAt' | 'callbackHeaders'> | undefined>;

/** Client administration by operators. */
export type ClientAdmin = {
  /** Stores a client; overwrites an existing one. */
  put: (client: Client) => Promise<void>;
  get: (clientId: string) => Promise<Client | undefined>;
  list: () => Promise<Client[]>;
  /**
   * Replaces the secrets.
   * @throws StaleClient if they changed since `client` was read
   */
  replaceSecrets: (client: Client, secrets: Client['secrets']) => Promise<void>;
  /** Sets a client's limit in jobs per second; undefined restores the deployment's default. */
  setRate: (clientId: string, ratePerSecond: number | undefined) => Promise<void>;
  /**
   * Replaces the headers of a client's callbacks; an empty list removes them.
   * @throws StaleClient if the client does not exist
   */
  setCallbackHeaders: (clientId: string, headers: CallbackHeader[]) => Promise<void>;
  /** Revokes a client. Keeps the time of an earlier revocation. */
  revoke: (clientId: string, now: number) => Promise<void>;
};

/** The client was changed or deleted since it was read. */
export class StaleClient extends Error {
  override name = 'StaleClient';
}

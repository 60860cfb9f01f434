import type { CallbackHeader } from './callback-headers.ts';

/** A secret that callbacks are signed with: `whsec_` and base64 (Standard Webhooks, "Signature scheme"). */
export type SigningSecret = {
  secret: string;
  /** When a rotated secret stops signing, epoch milliseconds; absent from the current one. */
  expiresAt?: number;
};

/** A caller. Only the SHA-256 of its API key is stored. Times are epoch milliseconds. */
export type Client = {
  clientId: string;
  name: string;
  /** SHA-256 of the API key, lower-case hex. */
  keyHash: string;
  secrets: SigningSecret[];
  createdAt: number;
  revokedAt?: number;
  /** Jobs per second that the client may post. 0 for no limit; absent for the deployment's default. */
  ratePerSecond?: number;
  /** Headers sent with each of its callbacks. Their values are secrets. */
  callbackHeaders?: CallbackHeader[];
  /** An operator may read and change the jobs of every client. */
  isOperator?: true;
};

/** How long a rotated secret keeps signing, by default. */
export const DEFAULT_OVERLAP_MS = 24 * 3600 * 1000;
/** How long a rotated secret may keep signing. */
export const MAX_OVERLAP_MS = 7 * DEFAULT_OVERLAP_MS;

/** The secrets that sign at `now`, newest first. */
export const liveSecrets = ({ secrets }: Pick<Client, 'secrets'>, now: number): string[] =>
  secrets.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now).map(({ secret }) => secret);

/**
 * The secrets after a rotation. The new one signs at once; the previous one also signs during the overlap, so that receivers
 * need not switch at the same moment. A rotation never extends an older secret.
 */
export const rotateSecret = (
  client: Pick<Client, 'secrets'>,
  secret: string,
  now: number,
  overlapMs: number,
): SigningSecret[] => [
  { secret },
  ...client.secrets
    .map((old) => ({ ...old, expiresAt: Math.min(old.expiresAt ?? Number.POSITIVE_INFINITY, now + overlapMs) }))
    .filter(({ expiresAt }) => expiresAt > now),
];

import type { CallbackHeader } from './callback-headers.ts';

/** A secret that callbacks are signed with: `whsec_` and base64 (Standard Webhooks, "Signature scheme"). */
export type SigningSecret = {
  secret: string;
  /** When a secret that was rotated out stops signing, epoch milliseconds; absent for the current one. */
  expiresAt?: number;
};

/** A caller. Of its API key only the SHA-256 is kept. Times are epoch milliseconds. */
export type Client = {
  clientId: string;
  name: string;
  /** SHA-256 of the API key, lower-case hex. */
  keyHash: string;
  secrets: SigningSecret[];
  createdAt: number;
  revokedAt?: number;
  /** How many jobs a second it may post; 0 for any number, absent for the deployment's default. */
  ratePerSecond?: number;
  /** Headers that go with each of its callbacks. Their values are secrets. */
  callbackHeaders?: CallbackHeader[];
};

/** How long a secret that was rotated out goes on signing, unless its operator says otherwise, and at most. */
export const DEFAULT_OVERLAP_MS = 24 * 3600 * 1000;
export const MAX_OVERLAP_MS = 7 * DEFAULT_OVERLAP_MS;

/** The secrets that sign now, the newest first. */
export const liveSecrets = ({ secrets }: Pick<Client, 'secrets'>, now: number): string[] =>
  secrets.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now).map(({ secret }) => secret);

/**
 * The secrets after a rotation: the new one signs at once; what was current goes on beside it for the overlap, so that
 * receivers can be changed in their own time. No older secret lives longer by it.
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

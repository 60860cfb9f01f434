const MAX_DELAY_MS = 60_000;

/** The delay before the next poll: doubled for each consecutive failure, up to a minute, and at least the `Retry-After`. */
export const nextDelayMs = ({
  everyMs,
  failures,
  retryAfterMs = 0,
}: {
  everyMs: number;
  failures: number;
  retryAfterMs?: number | undefined;
}): number => {
  if (failures === 0) return everyMs;
  return Math.max(retryAfterMs, everyMs, Math.min(everyMs * 2 ** failures, MAX_DELAY_MS));
};

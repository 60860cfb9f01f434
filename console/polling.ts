const MAX_DELAY_MS = 60_000;

/** The delay before the next poll: doubled for each failure in a row, at most a minute, and not before the server's `Retry-After`. */
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

import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { cutText } from '../domain/text.ts';
import type { Log } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Unauthorized } from './problem.ts';

/** Log lines per minute, process and route. */
const MAX_LINES = 10;
const WINDOW_MS = 60_000;
const MAX_USER_AGENT_CHARACTERS = 100;

export type AuthenticationFailuresDeps = { log: Log; metrics: Pick<Metrics, 'count'>; now: () => number };

/**
 * Records 401 responses: a log line and a metric each.
 *
 * A flood of bad keys must not run up the log bill (a metric is a log line, too). After ten lines in a minute, further
 * failures are only counted; the next line and its metric include them (`unlogged`). The count is lost when the process
 * ends, so the metric may be too low during a flood, never too high.
 */
export const createAuthenticationFailures = ({ log, metrics, now }: AuthenticationFailuresDeps) => {
  let windowStart = Number.NEGATIVE_INFINITY;
  let lines = 0;
  let unlogged = 0;
  return ({ reason, keyFingerprint }: Unauthorized, event: APIGatewayProxyEventV2): void => {
    if (now() - windowStart >= WINDOW_MS) {
      windowStart = now();
      lines = 0;
    }
    if (lines === MAX_LINES) {
      unlogged += 1;
      return;
    }
    lines += 1;
    const { sourceIp, userAgent } = event.requestContext?.http ?? {};
    log.warn('Authentication failed', {
      reason,
      route: event.routeKey,
      sourceIp,
      userAgent: userAgent && cutText(userAgent, MAX_USER_AGENT_CHARACTERS),
      keyFingerprint,
      unlogged,
    });
    metrics.count('AuthenticationFailures', undefined, 1 + unlogged);
    unlogged = 0;
  };
};

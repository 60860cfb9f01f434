import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { cutText } from '../domain/text.ts';
import type { Log } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Unauthorized } from './problem.ts';

/** Lines a minute that a process writes at most, for each of its routes. */
const MAX_LINES = 10;
const WINDOW_MS = 60_000;
const MAX_USER_AGENT_CHARACTERS = 100;

export type AuthenticationFailuresDeps = { log: Log; metrics: Pick<Metrics, 'count'>; now: () => number };

/**
 * Records requests that were answered 401: a log line and a metric.
 *
 * A client that sends nothing but bad keys must not run up the bill for logs (a metric is a log line, too): after ten lines
 * in a minute the rest is only counted, and added to the next line and its metric (`unlogged`). What a process has not
 * reported when it ends is lost: the metric may be too low in a flood, never too high.
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

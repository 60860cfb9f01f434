import type { Provider } from './api-types.ts';
import { formatClock, formatCount, formatShare, plural } from './format.ts';

/** `3 of 40 calls failed (7.5 %) since 14:02:00.` */
export const describeRecentCalls = ({ calls, failures, since }: NonNullable<Provider['recentCalls']>): string => {
  if (since === undefined) return 'No recent failures other than refusals.';
  const counted =
    calls === 0
      ? 'A call failed recently. No calls counted'
      : `${formatCount(failures)} of ${plural(calls, 'call')} failed (${formatShare(failures / calls)})`;
  return `${counted} since ${formatClock(since)}.`;
};

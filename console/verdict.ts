import type { Provider, Stats } from './api-types.ts';
import { formatDuration, plural } from './format.ts';
import { RANGES, type RangeName } from './ranges.ts';
import { hrefTo } from './router.ts';

/** The answer to "is anything wrong?", in one line. */
export type Verdict = { tone: 'good' | 'warn' | 'bad' | 'idle'; parts: Part[]; detail: string };
/** A part of the line, with a link to the jobs or providers in question. */
export type Part = { text: string; href?: string };

/** @param providers undefined until the catalogue has been read */
export const verdictOf = (stats: Stats, range: RangeName, providers: Provider[] | undefined, now: number): Verdict => {
  const { totals, inTrouble } = stats;
  const { period } = RANGES[range];
  const open = (providers ?? []).filter(({ circuit }) => circuit !== undefined && circuit !== 'closed');
  const jobs = (query: Record<string, string>): string => hrefTo('/jobs', { ...query, range });
  const problems: Part[] = [
    ...(totals.FAILED > 0
      ? [{ text: `${plural(totals.FAILED, 'job')} failed`, href: jobs({ status: 'FAILED' }) }]
      : []),
    ...(open.length > 0 ? [{ text: outageText(open), href: hrefTo('/providers') }] : []),
    ...(inTrouble > 0 ? [{ text: `${plural(inTrouble, 'job')} in trouble`, href: jobs({ inTrouble: 'true' }) }] : []),
    ...(totals.PARTIAL > 0
      ? [{ text: `${plural(totals.PARTIAL, 'job')} delivered in part`, href: jobs({ status: 'PARTIAL' }) }]
      : []),
  ];
  const waiting = waitingText(stats, now);
  if (problems.length > 0) {
    const delivered = totals.COMPLETE > 0 ? `${plural(totals.COMPLETE, 'job')} delivered` : 'Nothing else delivered';
    const isBad = totals.FAILED > 0 || open.length > 0;
    return { tone: isBad ? 'bad' : 'warn', parts: problems, detail: `${delivered} in ${period}${waiting}.` };
  }
  if (Object.values(totals).every((count) => count === 0))
    return {
      tone: 'idle',
      parts: [{ text: `No jobs in ${period}` }],
      detail: 'No job is waiting, and nothing is wrong.',
    };
  const delivered = totals.COMPLETE > 0 ? `${plural(totals.COMPLETE, 'job')} delivered` : 'No job ended';
  return {
    tone: 'good',
    parts: [{ text: 'All is well' }],
    detail: `${delivered} in ${period}, none failed${waiting}.`,
  };
};

const outageText = (open: Provider[]): string => {
  const names = open.map(({ id }) => id).join(' and ');
  return open.length === 1 ? `provider ${names} is failing` : `providers ${names} are failing`;
};

const waitingText = ({ totals, oldestPendingAt }: Stats, now: number): string => {
  if (totals.PENDING === 0) return '';
  const ageMs = oldestPendingAt === null ? 0 : now - Date.parse(oldestPendingAt);
  return `; ${plural(totals.PENDING, 'job')} waiting, the oldest for ${formatDuration(Math.max(0, ageMs))}`;
};

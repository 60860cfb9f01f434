import type { RedriveRequest, Status } from './api-types.ts';
import { formatLocal, sentenceCase } from './format.ts';
import { isRangeName, RANGES, type RangeName, startOf } from './ranges.ts';
import type { Params } from './router.ts';

/** The filter of a list of jobs. It is kept in the URL. */
export type JobFilter = {
  statuses: Status[];
  providerId?: string;
  failureCode?: string;
  inTrouble: boolean;
  /** A range that ends now, or fixed times (ISO 8601). */
  range?: RangeName;
  from?: string;
  to?: string;
};

export const STATUSES: Status[] = ['PENDING', 'COMPLETE', 'PARTIAL', 'FAILED', 'CANCELLED'];

export const FAILURE_CODES: Record<string, string> = {
  CALLBACK_EXHAUSTED: 'Callback retries exhausted',
  CALLBACK_GONE: 'Receiver gone (410)',
  CALLBACK_TOO_LARGE: 'Data too large',
  CLIENT_REVOKED: 'Client revoked',
  NEVER_SETTLED: 'No outcome reported',
  RESULT_MISSING: 'Result missing',
};

/** The statuses that the console offers to redrive in bulk. */
const REDRIVABLE: Status[] = ['FAILED', 'PARTIAL'];

export const parseFilter = (params: Params): JobFilter => {
  const wanted = (params.status ?? '').split(',');
  const inTrouble = params.inTrouble === 'true';
  const { providerId, failureCode, range, from, to } = params;
  return {
    // The API accepts no status but PENDING together with inTrouble.
    statuses: inTrouble ? [] : STATUSES.filter((status) => wanted.includes(status)),
    inTrouble,
    ...(providerId && { providerId }),
    ...(failureCode && { failureCode }),
    ...(isRangeName(range) ? { range } : { ...(isTime(from) && { from }), ...(isTime(to) && { to }) }),
  };
};

const isTime = (text: string | undefined): text is string => text !== undefined && !Number.isNaN(Date.parse(text));

/** The filter as query parameters of the page's URL. */
export const filterParams = ({ statuses, inTrouble, ...rest }: JobFilter): Record<string, string | undefined> => ({
  status: statuses.length > 0 ? statuses.join(',') : undefined,
  inTrouble: inTrouble ? 'true' : undefined,
  ...rest,
});

/** The filter as query parameters of `GET /jobs`, without the start of a range that ends now. */
export const filterQuery = ({ statuses, inTrouble, range: _, ...rest }: JobFilter) => ({
  ...(statuses.length > 0 && { status: statuses.join(',') }),
  ...(inTrouble && { inTrouble: true }),
  ...rest,
});

/** The query parameter that changes over time: the start of a range that ends now. */
export const rollingRangeQuery = ({ range }: JobFilter, now: number) =>
  range === undefined ? {} : { from: startOf(range, now) };

/** The filter as the body of `POST /redrives`; undefined if it excludes all statuses that can be redriven. */
export const redriveRequest = (filter: JobFilter, now: number): RedriveRequest | undefined => {
  const { statuses, inTrouble, range: _, ...rest } = filter;
  const status = statuses.length === 0 ? REDRIVABLE : REDRIVABLE.filter((one) => statuses.includes(one));
  if (!inTrouble && status.length === 0) return undefined;
  return {
    ...(inTrouble ? { inTrouble: true as const } : { status }),
    ...rest,
    ...rollingRangeQuery(filter, now),
  };
};

/** The start of a redrive's time range; undefined if it has none. */
export const startOfRequest = ({ from }: Pick<RedriveRequest, 'from'>): string | undefined =>
  from === undefined || Date.parse(from) <= 0 ? undefined : from;

/** `Failed and partial jobs of gas, from 2026-01-31 12:00` */
export const describeRequest = (request: Omit<RedriveRequest, 'dryRun'>): string => {
  const { status, inTrouble, providerId, failureCode, to } = request;
  const from = startOfRequest(request);
  const statuses = status === undefined ? [] : [status].flat();
  const which = inTrouble ? 'Pending jobs in trouble' : `${sentenceCase(statuses.join(' and '))} jobs`;
  const failure = failureCode === undefined ? '' : ` (${(FAILURE_CODES[failureCode] ?? failureCode).toLowerCase()})`;
  const times = [
    ...(from === undefined ? [] : [`from ${formatLocal(from).slice(0, 16)}`]),
    ...(to === undefined ? [] : [`until ${formatLocal(to).slice(0, 16)}`]),
  ];
  const provider = providerId === undefined ? '' : ` of ${providerId}`;
  return [`${which}${provider}${failure}`, ...(times.length > 0 ? [times.join(' ')] : [])].join(', ');
};

export const isFiltered = ({ statuses, inTrouble, ...rest }: JobFilter): boolean =>
  statuses.length > 0 || inTrouble || Object.keys(rest).length > 0;

export const rangeTitle = ({ range, from, to }: JobFilter): string => {
  if (range !== undefined) return RANGES[range].period;
  if (from === undefined && to === undefined) return 'any time';
  return [from && `from ${formatLocal(from).slice(0, 16)}`, to && `to ${formatLocal(to).slice(0, 16)}`]
    .filter(Boolean)
    .join(' ');
};

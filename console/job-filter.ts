import type { RedriveRequest, Status } from './api-types.ts';
import { formatLocal, sentenceCase } from './format.ts';
import { isRangeName, RANGES, type RangeName, startOf } from './ranges.ts';
import type { Params } from './router.ts';

/** What a list of jobs is filtered by; kept in the address. */
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
  CALLBACK_EXHAUSTED: 'No callback try left',
  CALLBACK_GONE: 'Receiver gone (410)',
  CALLBACK_TOO_LARGE: 'Data too large',
  CLIENT_REVOKED: 'Client revoked',
  NEVER_SETTLED: 'No outcome reported',
  RESULT_MISSING: 'Result missing',
};

/** The statuses that a redrive of a list takes. */
const REDRIVABLE: Status[] = ['FAILED', 'PARTIAL'];

export const parseFilter = (params: Params): JobFilter => {
  const wanted = (params.status ?? '').split(',');
  const inTrouble = params.inTrouble === 'true';
  const { providerId, failureCode, range, from, to } = params;
  return {
    // The API takes no other status together with inTrouble.
    statuses: inTrouble ? [] : STATUSES.filter((status) => wanted.includes(status)),
    inTrouble,
    ...(providerId && { providerId }),
    ...(failureCode && { failureCode }),
    ...(isRangeName(range) ? { range } : { ...(isTime(from) && { from }), ...(isTime(to) && { to }) }),
  };
};

const isTime = (text: string | undefined): text is string => text !== undefined && !Number.isNaN(Date.parse(text));

/** As the address has it. */
export const filterParams = ({ statuses, inTrouble, ...rest }: JobFilter): Record<string, string | undefined> => ({
  status: statuses.length > 0 ? statuses.join(',') : undefined,
  inTrouble: inTrouble ? 'true' : undefined,
  ...rest,
});

/** As `GET /jobs` takes it, without the times of a range that ends now. */
export const filterQuery = ({ statuses, inTrouble, range: _, ...rest }: JobFilter) => ({
  ...(statuses.length > 0 && { status: statuses.join(',') }),
  ...(inTrouble && { inTrouble: true }),
  ...rest,
});

/** The times of a range that ends now. */
export const movingQuery = ({ range }: JobFilter, now: number) =>
  range === undefined ? {} : { from: startOf(range, now) };

/** As `POST /redrives` takes it; undefined if no job that it shows could be redriven. */
export const redriveRequest = (filter: JobFilter, now: number): RedriveRequest | undefined => {
  const { statuses, inTrouble, range: _, ...rest } = filter;
  const status = statuses.length === 0 ? REDRIVABLE : REDRIVABLE.filter((one) => statuses.includes(one));
  if (!inTrouble && status.length === 0) return undefined;
  return {
    ...(inTrouble ? { inTrouble: true as const } : { status }),
    ...rest,
    ...movingQuery(filter, now),
  };
};

/** `Failed or partial jobs of gas, from the last hour` */
export const describeRequest = ({
  status,
  inTrouble,
  providerId,
  failureCode,
  from,
  to,
}: Omit<RedriveRequest, 'dryRun'>): string => {
  const statuses = status === undefined ? [] : [status].flat();
  const which = inTrouble ? 'Pending jobs in trouble' : `${sentenceCase(statuses.join(' and '))} jobs`;
  const failure = failureCode === undefined ? '' : ` (${(FAILURE_CODES[failureCode] ?? failureCode).toLowerCase()})`;
  const times = [
    ...(from === undefined || Date.parse(from) <= 0 ? [] : [`from ${formatLocal(from).slice(0, 16)}`]),
    ...(to === undefined ? [] : [`until ${formatLocal(to).slice(0, 16)}`]),
  ];
  return `${which}${providerId === undefined ? '' : ` of ${providerId}`}${failure}${times.length > 0 ? `, ${times.join(' ')}` : ''}`;
};

export const isFiltered = ({ statuses, inTrouble, ...rest }: JobFilter): boolean =>
  statuses.length > 0 || inTrouble || Object.keys(rest).length > 0;

export const rangeTitle = ({ range, from, to }: JobFilter): string => {
  if (range !== undefined) return RANGES[range].last;
  if (from === undefined && to === undefined) return 'any time';
  return [from && `from ${formatLocal(from).slice(0, 16)}`, to && `to ${formatLocal(to).slice(0, 16)}`]
    .filter(Boolean)
    .join(' ');
};

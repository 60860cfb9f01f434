import type { Bill } from './bills.ts';

/** One bill per page by default, so that even a few bills make several pages. */
export const DEFAULT_PAGE_SIZE = 1;

const encodeCursor = (position: number): string => Buffer.from(`bill ${position}`, 'utf8').toString('base64url');

/** @returns undefined if it is not a cursor that {@link pageByCursor} returns for a list of this length */
const decodeCursor = (cursor: string, length: number): number | undefined => {
  const position = Number(/^bill (\d+)$/.exec(Buffer.from(cursor, 'base64url').toString('utf8'))?.[1]);
  return position > 0 && position < length && encodeCursor(position) === cursor ? position : undefined;
};

export type CursorPage = {
  data: Bill[];
  /** `next`: the cursor of the next page; null on the last. */
  meta: { next: string | null };
};

type CursorQuery = {
  cursor?: string | undefined;
  size: number;
  /** ISO 8601 date: older bills are left out. */
  from?: string | undefined;
};

/** @returns undefined for a bad cursor */
export const pageByCursor = (
  bills: readonly Bill[],
  { cursor, size, from = '' }: CursorQuery,
): CursorPage | undefined => {
  const start = cursor === undefined ? 0 : decodeCursor(cursor, bills.length);
  if (start === undefined) return undefined;
  const rest = bills
    .map((bill, position) => ({ bill, position }))
    .filter(({ bill, position }) => position >= start && bill.billedOn >= from);
  const next = rest[size];
  return {
    data: rest.slice(0, size).map(({ bill }) => bill),
    meta: { next: next === undefined ? null : encodeCursor(next.position) },
  };
};

/** @param page the page number, from 1; a page after the last is empty */
export const pageByNumber = (bills: readonly Bill[], page: number): { data: Bill[]; hasNext: boolean } => {
  const end = page * DEFAULT_PAGE_SIZE;
  return { data: bills.slice(end - DEFAULT_PAGE_SIZE, end), hasNext: end < bills.length };
};

import * as z from 'zod';

/**
 * Cursors are opaque to callers: base64url of the list key of the last job on a page. The next page holds older jobs. A cursor
 * stays valid in a query for another status.
 */
export const encodeCursor = (after: string): string => Buffer.from(after, 'utf8').toString('base64url');

const LIST_KEY = /^\d{4}-\d\d-\d\dT[\d:.]+Z#[\da-f-]{36}$/;
const ID = /^[\dA-Za-z-]{1,36}$/;

/** The cursor in a response, from the position after which the next page starts. */
export const toNextCursor = (after: string | undefined): string | null =>
  after === undefined ? null : encodeCursor(after);

/** The cursor in a response. */
export const nextCursorSchema = z
  .string()
  .nullable()
  .meta({ description: 'Cursor of the next page; null on the last page.' });

/** @returns undefined for an invalid cursor */
export const decodeCursor = (cursor: string, position = LIST_KEY): string | undefined => {
  const after = Buffer.from(cursor, 'base64url').toString('utf8');
  // Buffer skips characters that are not base64url.
  if (encodeCursor(after) !== cursor) return undefined;
  return position.test(after) ? after : undefined;
};

const schemaOf = (position: RegExp) =>
  z
    .string()
    .max(100, 'Must be a cursor of an earlier page')
    .transform((text, context) => {
      const after = decodeCursor(text, position);
      if (after !== undefined) return after;
      context.addIssue({ code: 'custom', message: 'Must be a cursor of an earlier page' });
      return z.NEVER;
    });

/** A cursor sent by a caller. */
export const cursorSchema = schemaOf(LIST_KEY);

/** A cursor in a list that is ordered by id, where it is the last id of a page. */
export const idCursorSchema = schemaOf(ID).meta({
  description: 'Where the page starts: the `cursor` of the previous page.',
  override: { examples: [encodeCursor('01a20b4c-cf47-716b-85d8-5343742576b8')] },
});

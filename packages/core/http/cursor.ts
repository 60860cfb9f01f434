import * as z from 'zod';

/**
 * Cursors are opaque to callers: base64url of the list key of the last job on a page. The next page holds older jobs. A cursor
 * stays valid in a query for another status.
 */
export const encodeCursor = (after: string): string => Buffer.from(after, 'utf8').toString('base64url');

/** @returns undefined for an invalid cursor */
export const decodeCursor = (cursor: string): string | undefined => {
  const after = Buffer.from(cursor, 'base64url').toString('utf8');
  // Buffer skips characters that are not base64url.
  if (encodeCursor(after) !== cursor) return undefined;
  return /^\d{4}-\d\d-\d\dT[\d:.]+Z#[\da-f-]{36}$/.test(after) ? after : undefined;
};

/** A cursor sent by a caller. */
export const cursorSchema = z
  .string()
  .max(100, 'Must be a cursor of an earlier page')
  .transform((text, context) => {
    const after = decodeCursor(text);
    if (after !== undefined) return after;
    context.addIssue({ code: 'custom', message: 'Must be a cursor of an earlier page' });
    return z.NEVER;
  });

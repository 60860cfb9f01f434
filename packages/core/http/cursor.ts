import * as z from 'zod';

/**
 * Cursors are opaque to callers: base64url of the key of the last job of a page. They are a place in the caller's list, and
 * mean the same in a query for another status: what is older than that job.
 */
export const encodeCursor = (after: string): string => Buffer.from(after, 'utf8').toString('base64url');

/** @returns undefined for anything that is not a cursor of ours */
export const decodeCursor = (cursor: string): string | undefined => {
  const after = Buffer.from(cursor, 'base64url').toString('utf8');
  // Buffer passes over what is not base64url.
  if (encodeCursor(after) !== cursor) return undefined;
  return /^\d{4}-\d\d-\d\dT[\d:.]+Z#[\da-f-]{36}$/.test(after) ? after : undefined;
};

/** A cursor that a caller hands back. */
export const cursorSchema = z
  .string()
  .max(100, 'Has to be a cursor of an earlier page')
  .transform((text, context) => {
    const after = decodeCursor(text);
    if (after !== undefined) return after;
    context.addIssue({ code: 'custom', message: 'Has to be a cursor of an earlier page' });
    return z.NEVER;
  });

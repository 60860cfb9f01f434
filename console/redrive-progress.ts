import type { Redrive } from './api-types.ts';

/** The API does not store how many jobs matched when a redrive began, so the tab that began it stores that number. */
const keyOf = (redriveId: string): string => `boomerang.matched.${redriveId}`;

export const rememberMatched = (redriveId: string, matched: number): void =>
  sessionStorage.setItem(keyOf(redriveId), String(matched));

export const matchedOf = (redriveId: string): number | undefined => {
  const text = sessionStorage.getItem(keyOf(redriveId));
  return text === null ? undefined : Number(text);
};

export const handledOf = ({ redriven, skipped, failed }: Redrive): number => redriven + skipped + failed;

/** 0 to 1; undefined while unknown. */
export const progressOf = (redrive: Redrive, matched: number | undefined): number | undefined => {
  if (redrive.status === 'COMPLETE') return 1;
  return matched === undefined || matched === 0 ? undefined : Math.min(1, handledOf(redrive) / matched);
};

import type { Status } from '../api-types.ts';
import { sentenceCase } from '../format.ts';

/** A status by color and text, because not all readers can tell the colors apart. */
export const StatusBadge = ({ status }: { status: Status }) => (
  <span class={`badge badge-${status.toLowerCase()}`}>{sentenceCase(status)}</span>
);

import type { Status } from '../api-types.ts';
import { sentenceCase } from '../format.ts';

/** Coloured and worded: color alone tells nothing to some readers. */
export const StatusBadge = ({ status }: { status: Status }) => (
  <span class={`badge badge-${status.toLowerCase()}`}>{sentenceCase(status)}</span>
);

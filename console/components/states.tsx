import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api.ts';
import { refreshAll } from '../resource.ts';
import { Button } from './button.tsx';

/** Shown in place of missing content: what would be here, and how to get it. */
export const EmptyState = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <h2>{title}</h2>
    {children}
  </div>
);

/**
 * A placeholder while content loads, with the content's height, so that the page does not jump.
 * @param contentClass the CSS class of the content, if the class sets the height
 */
export const Skeleton = ({
  lines = 1,
  height,
  contentClass = '',
}: {
  lines?: number;
  height?: string;
  contentClass?: string;
}) => (
  <div class="skeletons" aria-hidden="true">
    {Array.from({ length: lines }, (_, index) => (
      <div key={index} class={`skeleton ${contentClass}`} style={height === undefined ? undefined : { height }} />
    ))}
  </div>
);

/** Shown in place of content that could not be loaded: the reason. */
export const ErrorState = ({ error }: { error: ApiError }) => (
  <div class="empty" role="alert">
    <h2>{error.status === 404 ? 'Not found' : 'This could not be loaded'}</h2>
    <p>{error.message}</p>
    {error.problem.instance !== undefined && <p class="faint">Request {error.problem.instance}</p>}
    <Button onClick={refreshAll}>Try again</Button>
  </div>
);

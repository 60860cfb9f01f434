import { useComputed } from '@preact/signals';
import { formatCountdown, formatDuration, formatLocal, formatRelative } from '../format.ts';
import { now } from '../store.ts';

/** `4 min ago`; the title is the local date and time. */
export const RelativeTime = ({ iso }: { iso: string }) => {
  const text = useComputed(() => formatRelative(Date.parse(iso), now.value));
  return (
    <time dateTime={iso} title={formatLocal(iso)} key={iso}>
      {text}
    </time>
  );
};

/** The time left, `3:12`, counting down. */
export const Countdown = ({ iso }: { iso: string }) => {
  const text = useComputed(() => formatCountdown(Date.parse(iso) - now.value));
  return (
    <time dateTime={iso} title={formatLocal(iso)} class="number" key={iso}>
      {text}
    </time>
  );
};

/** How long since `iso`, counting up. */
export const Elapsed = ({ iso }: { iso: string }) => {
  const text = useComputed(() => formatDuration(Math.max(0, now.value - Date.parse(iso))));
  return (
    <time dateTime={iso} title={formatLocal(iso)} class="number" key={iso}>
      {text}
    </time>
  );
};

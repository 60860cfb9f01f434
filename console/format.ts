/** Figures and times as text. The functions are pure: the current time is an argument. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `840 ms`, `3.2 s`, `42 s`, `3:12`, `2 h 5 min`, `3 d 4 h`. */
export const formatDuration = (ms: number): string => {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10 * SECOND) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return formatCountdown(ms);
  if (ms < DAY) return joinUnits(Math.floor(ms / HOUR), 'h', Math.floor((ms % HOUR) / MINUTE), 'min');
  return joinUnits(Math.floor(ms / DAY), 'd', Math.floor((ms % DAY) / HOUR), 'h');
};

const joinUnits = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;

/** Minutes and seconds below an hour (`3:12`, `0:07`); from an hour on as `formatDuration`. */
export const formatCountdown = (ms: number): string => {
  if (ms >= HOUR) return formatDuration(ms);
  const seconds = Math.max(0, Math.ceil(ms / SECOND));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
};

const SECONDS = { size: SECOND, unit: 's' };
const UNITS = [
  { size: DAY, unit: 'd' },
  { size: HOUR, unit: 'h' },
  { size: MINUTE, unit: 'min' },
];

/** `just now`, `12 s ago`, `4 min ago`, `2 h ago`, `3 d ago`, `in 12 s`. */
export const formatRelative = (at: number, now: number): string => {
  const ms = Math.abs(now - at);
  if (ms < SECOND) return 'just now';
  const { size, unit } = UNITS.find((one) => ms >= one.size) ?? SECONDS;
  const text = `${Math.floor(ms / size)} ${unit}`;
  return at > now ? `in ${text}` : `${text} ago`;
};

const whole = new Intl.NumberFormat('en-US');
/** `12,345` */
export const formatCount = (count: number): string => whole.format(count);

/** `1 job`, `12,345 jobs` */
export const plural = (count: number, noun: string, nouns = `${noun}s`): string =>
  `${formatCount(count)} ${count === 1 ? noun : nouns}`;

/** `97.6 %`. Rounded down, so that 99.99 % does not become 100 %. */
export const formatShare = (share: number): string => {
  // The addition corrects a product that rounding has left just below a whole number.
  const tenths = Math.floor(share * 1000 + 1e-9) / 10;
  return `${tenths === 100 || tenths === 0 ? tenths : tenths.toFixed(1)} %`;
};

/** `812 B`, `4.2 KiB`, `1.0 MiB` */
export const formatBytes = (bytes: number): string => {
  if (bytes < 1024) return `${bytes} B`;
  const kib = bytes / 1024;
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
};

/** `2026-01-31 12:00:05` in the browser's time zone. */
export const formatLocal = (iso: string): string => {
  const at = new Date(iso);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${formatClock(iso)}`;
};

/** `12:00:05` in the browser's time zone. */
export const formatClock = (iso: string): string => {
  const at = new Date(iso);
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
};

const pad = (number: number): string => String(number).padStart(2, '0');

/** `Some text`, from `SOME_TEXT` or `some_text`. */
export const sentenceCase = (code: string): string => {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

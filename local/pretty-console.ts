import { styleText } from 'node:util';

type Level = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
type Line = {
  level: Level;
  message: string;
  timestamp: string;
  function?: string;
  error?: { name?: string; message?: string };
};

const COLORS: Record<Level, 'gray' | 'green' | 'yellow' | 'red'> = {
  DEBUG: 'gray',
  INFO: 'green',
  WARN: 'yellow',
  ERROR: 'red',
};

/** Keys that are the same on every line, or shown elsewhere in it. */
const HIDDEN = new Set([
  'level',
  'message',
  'timestamp',
  'function',
  'service',
  'sampling_rate',
  'error',
  'xray_trace_id',
]);

/**
 * Prints the functions' JSON log lines in readable form. Powertools writes through the global console when `POWERTOOLS_DEV` is
 * set, so this must be called before the first logger is created.
 */
export const usePrettyConsole = (): void => {
  process.env.POWERTOOLS_DEV = 'true';
  for (const method of ['debug', 'info', 'warn', 'error', 'log'] as const) {
    console[method] = (first: unknown, ...rest: unknown[]) => {
      process.stdout.write(`${[pretty(first), ...rest.map(String)].join(' ')}\n`);
    };
  }
};

const pretty = (value: unknown): string => {
  if (typeof value !== 'string' || !value.startsWith('{')) return String(value);
  let line: Line;
  try {
    line = JSON.parse(value) as Line;
  } catch {
    return value;
  }
  const time = new Date(line.timestamp).toLocaleTimeString('en-GB');
  const data = Object.entries(line)
    .filter(([name]) => !HIDDEN.has(name))
    .map(([name, part]) => `${name}=${typeof part === 'string' ? part : JSON.stringify(part)}`);
  const error = line.error ? ` ${line.error.name ?? 'Error'} ${line.error.message ?? ''}` : '';
  const head = `${styleText('gray', time)} ${styleText(COLORS[line.level], line.level.padEnd(5))} ${(line.function ?? '').padEnd(16)}`;
  return `${head} ${line.message}${styleText('red', error)} ${styleText('gray', data.join(' '))}`;
};

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { readArguments } from '../../cli/command.ts';

/** `npm run picture`: runs the demo, and draws its output as an SVG for the README. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILE = 'docs/images/demo.svg';
const MAX_LINES = 32;
const MAX_COLUMNS = 112;

readArguments({
  name: 'npm run picture',
  about: `Runs npm run demo and writes its output to ${FILE}. The mock providers' failures depend on a fixed seed.`,
  environment: { FAILURE_SEED: 'seed of the failures (4)' },
  exitCodes: { 1: 'the demo failed' },
});

/** Colours of the SGR codes that the demo uses. */
const COLOURS: Readonly<Record<string, string>> = {
  31: '#f85149',
  32: '#3fb950',
  33: '#d29922',
  36: '#39c5cf',
  90: '#8b949e',
};

const escapeXml = (part: string): string =>
  part.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const ESCAPE = '\x1b[';

/** Converts a line of output to `tspan` elements. */
const toSpans = (line: string): string => {
  let colour = '#e6edf3';
  return line
    .split(ESCAPE)
    .map((part, index) => {
      const [, code = '', rest = part] = index === 0 ? [] : (/^(\d+)m(.*)$/.exec(part) ?? []);
      if (index > 0) colour = COLOURS[code] ?? '#e6edf3';
      return rest === '' ? '' : `<tspan fill="${colour}">${escapeXml(rest)}</tspan>`;
    })
    .join('');
};

const toSvg = (lines: readonly string[]): string => {
  const rows = lines.map(
    (line, index) => `  <text x="16" y="${54 + index * 19}" xml:space="preserve">${toSpans(line)}</text>`,
  );
  const height = 70 + lines.length * 19;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 920 ${height}" role="img" aria-label="Output of npm run demo">
  <rect width="920" height="${height}" rx="8" fill="#0d1117"/>
  <g fill="#30363d"><circle cx="20" cy="18" r="6"/><circle cx="40" cy="18" r="6"/><circle cx="60" cy="18" r="6"/></g>
  <g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13">
${rows.join('\n')}
  </g>
</svg>
`;
};

const demo = spawn(process.execPath, ['local/demo.ts'], {
  cwd: ROOT,
  env: {
    ...process.env,
    FORCE_COLOR: '1',
    FAILURE_SEED: process.env.FAILURE_SEED ?? '4',
    DATA_DIR: `${ROOT}/.data-picture`,
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const [printed, code] = await Promise.all([
  text(demo.stdout),
  new Promise<number>((resolve) => demo.on('close', (exitCode) => resolve(exitCode ?? 1))),
]);
if (code === 0) {
  const lines = printed
    .trimEnd()
    .split('\n')
    .map((line) => (line.length > MAX_COLUMNS ? `${line.slice(0, MAX_COLUMNS)}…` : line));
  const shown = lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES), '…'] : lines;
  writeFileSync(`${ROOT}/${FILE}`, toSvg([`${ESCAPE}90m$${ESCAPE}39m npm run demo`, ...shown]));
} else {
  process.exitCode = 1;
}

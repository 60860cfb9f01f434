import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { runScript, runTests, Unavailable } from './engine.ts';

/** `npm run test:console`: uses the console in a real browser, against the embedded cloud. */

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** @throws Unavailable */
const findBrowser = (): string => {
  const { CHROMIUM, PATH = '' } = process.env;
  if (CHROMIUM !== undefined) {
    if (isExecutable(CHROMIUM)) return CHROMIUM;
    throw new Unavailable(`CHROMIUM is not executable: ${CHROMIUM}`);
  }
  const files = PATH.split(path.delimiter).flatMap((folder) => NAMES.map((name) => path.join(folder, name)));
  const found = files.find(isExecutable);
  if (found === undefined) throw new Unavailable('neither Chromium (apt-get install chromium) nor Chrome is installed');
  return found;
};

await runScript(
  {
    name: 'npm run test:console',
    about:
      'Uses the console in Chromium, against the embedded cloud: every page, keyboard, phone width, dark mode, accessibility.',
    options: { pictures: { type: 'boolean', about: "also take the README's pictures (docs/images/console-*.png)" } },
    environment: { CHROMIUM: 'path of Chromium or Chrome (found in PATH)' },
    examples: { '': 'as in CI', '--pictures': 'after a change of its appearance' },
  },
  async ({ pictures }) => {
    await runTests(['tests/console'], { CHROMIUM: findBrowser(), ...(pictures && { PICTURES: '1' }) });
  },
);

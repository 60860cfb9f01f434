import type { BuildOptions } from 'esbuild';

/** The esbuild options of scripts that pages load: one minified file, for the browsers that the console supports. */
export const BROWSER_OPTIONS = {
  write: false,
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['chrome123', 'firefox121', 'safari17.5'],
  legalComments: 'none',
  charset: 'utf8',
} as const satisfies BuildOptions;

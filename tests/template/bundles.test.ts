import { expect, test } from '@jest/globals';
import { build } from 'esbuild';

/** A function's bundle, built as the template says. */
const bundleOf = async (stem: string) => {
  const { metafile, outputFiles } = await build({
    entryPoints: [`functions/${stem}/handler.ts`],
    outfile: 'handler.mjs',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    mainFields: ['module', 'main'],
    minify: true,
    keepNames: true,
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const [output] = Object.values(metafile.outputs);
  const inputs = Object.entries(output?.inputs ?? {}).flatMap(([path, { bytesInOutput }]) =>
    bytesInOutput > 0 ? path : [],
  );
  return { kibibytes: (outputFiles[0]?.contents.length ?? 0) / 1024, inputs };
};

/** How providers are asked: code that only `provider-fetch` needs, and what reads a catalogue whole. */
const OF_ASKING =
  /catalogue\/(?:catalogue|provider-schema|body-template)\.ts|oauth4webapi|http-link-header|jsonc-parser/;

test.each([
  // What every request loads when its function starts.
  ['webhook', 611],
  ['job-read', 570],
  ['catalogue-read', 550],
])(
  '%s stays below %d KiB, and holds nothing of how providers are asked',
  async (stem, most) => {
    const { kibibytes, inputs } = await bundleOf(stem);
    expect(inputs.filter((path) => OF_ASKING.test(path))).toEqual([]);
    expect(kibibytes).toBeLessThan(most);
  },
  30_000,
);

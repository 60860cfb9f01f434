import { expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { readBundleOptions } from '../../tools/bundle-options.ts';

/** Bundles a function as on AWS. */
const bundleOf = async (stem: string) => {
  const { metafile, outputFiles } = await build({
    ...readBundleOptions(),
    entryPoints: [`functions/${stem}/handler.ts`],
    outfile: 'handler.mjs',
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

/** Code that only `provider-fetch` needs to call providers, and code that validates a whole catalogue. */
const PROVIDER_CALLS =
  /catalogue\/(?:catalogue|provider-schema|body-template)\.ts|oauth4webapi|http-link-header|jsonc-parser/;

test.each([
  // Loaded on each cold start.
  ['webhook', 611],
  ['job-read', 570],
  ['catalogue-read', 550],
])(
  'the bundle of %s is smaller than %d KiB and contains no code for calling providers',
  async (stem, maxKibibytes) => {
    const { kibibytes, inputs } = await bundleOf(stem);
    expect(inputs.filter((path) => PROVIDER_CALLS.test(path))).toEqual([]);
    expect(kibibytes).toBeLessThan(maxKibibytes);
  },
  30_000,
);

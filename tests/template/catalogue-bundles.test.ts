import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { readBundleOptions } from '../../tools/bundle-options.ts';

test('bundles contain no code that locates catalogue faults or checks a catalogue before deployment', async () => {
  const names = readdirSync('functions').filter((name) => {
    return readFileSync(`functions/${name}/handler.ts`, 'utf8').includes("'PROVIDER_CATALOGUE'");
  });
  const { metafile } = await build({
    ...readBundleOptions(),
    entryPoints: Object.fromEntries(names.map((name) => [name, `functions/${name}/handler.ts`])),
    outdir: 'unused',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const inputsOf = (name: string): string[] =>
    Object.entries(metafile.outputs[`unused/${name}.js`]?.inputs ?? {})
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => path);
  expect(names.length).toBeGreaterThan(2);
  for (const name of names) {
    expect(inputsOf(name).length).toBeGreaterThan(0);
    expect([name, inputsOf(name).filter((path) => /\/(?:jsonc-parser\/|locate-faults)/.test(path))]).toEqual([
      name,
      [],
    ]);
  }
  expect(inputsOf('provider-fetch').filter((path) => /catalogue\/provider-rules/.test(path))).toEqual([]);
  expect(inputsOf('provider-fetch').filter((path) => /catalogue\/provider-schema/.test(path))).toHaveLength(1);
}, 60_000);

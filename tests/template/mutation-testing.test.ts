import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { TARGETS } from '../../tools/mutation/targets.ts';

const text = readFileSync('docs/mutation-testing.md', 'utf8');
const rows = text.split('\n').filter((line) => line.startsWith('| `'));

test('docs/mutation-testing.md has a score for exactly the files that are mutated', () => {
  const scored = rows.flatMap((row) => /^\| `([\w/.-]+\.ts)` +\| \d/.exec(row)?.[1] ?? []);
  const targets = TARGETS.map(({ file }) => file.split('/').slice(-2).join('/'));
  expect(scored.sort()).toEqual(targets.sort());
});

test('docs/mutation-testing.md names only functions of the mutated files', () => {
  const named = rows.flatMap((row) => {
    const [, stem, name] = /^\| `([\w-]+)`, `(\w+)`:/.exec(row) ?? [];
    return stem && name ? [{ stem, name }] : [];
  });
  expect(named.length).toBeGreaterThan(5);
  const missing = named.filter(({ stem, name }) => {
    const files = TARGETS.filter(({ file }) => path.basename(file, '.ts') === stem);
    return !files.some(({ file }) => readFileSync(file, 'utf8').includes(`const ${name} = `));
  });
  expect(missing).toEqual([]);
});

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Command, orFailUsage, readArguments } from '../../cli/command.ts';
import { UsageError } from '../../cli/usage-error.ts';
import { checkStem, editedFiles, newFiles } from './function.ts';

const COMMAND = {
  name: 'npm run new',
  about: 'Writes a new Lambda function, with its schema, use case, test and fixture, and adds it to template.yaml.',
  arguments: 'function <noun-verb>',
  examples: { 'function job-archive': 'writes functions/job-archive and adds JobArchiveFunction' },
  exitCodes: { 2: 'wrong usage, or the function exists' },
} as const satisfies Command;

const { positionals } = readArguments(COMMAND);

await orFailUsage(COMMAND, async () => {
  const [kind, name, ...others] = positionals;
  if (kind !== 'function' || name === undefined || others.length > 0)
    throw new UsageError('Expected: function <noun-verb>');
  const stem = checkStem(name);
  const created = newFiles(stem);
  const existing = [`functions/${stem}`, ...Object.keys(created)].find((file) => existsSync(file));
  if (existing) throw new UsageError(`${existing} exists.`);
  const edited = editedFiles(stem, (file) => readFileSync(file, 'utf8'));
  for (const [file, text] of Object.entries({ ...created, ...edited })) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    process.stdout.write(`${file in created ? 'wrote ' : 'edited'} ${file}\n`);
  }
  // Formats the files, because line breaks and the order of imports depend on the name.
  const files = [...Object.keys(created), ...Object.keys(edited)].filter((file) => /\.(?:ts|json)$/.test(file));
  const args = ['node_modules/@biomejs/biome/bin/biome', 'check', '--write', '--vcs-enabled=false', ...files];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) process.stderr.write(stderr);
  process.stdout.write(`
Next: CONTRIBUTING.md, "Add a function", from step 2. Check with:

  npm run typecheck && npm test -- tests/template tests/unit/events.test.ts
`);
});

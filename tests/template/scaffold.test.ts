import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readTemplate } from '../../local/template.ts';

const MAIN = path.resolve('tools/scaffold/main.ts');
const EDITED = ['template.yaml', 'tests/event-expectations.ts', 'tests/function-world.ts'];

/** A copy of the files that the command reads and of those that its output imports. */
const aRepositoryCopy = (): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
  for (const file of [
    'package.json',
    'tsconfig.json',
    'biome.json',
    'tests',
    'functions',
    'local',
    'cli',
    'tools',
    'template.yaml',
  ])
    cpSync(file, path.join(folder, file), { recursive: true });
  symlinkSync(path.resolve('node_modules'), path.join(folder, 'node_modules'));
  return folder;
};

const runNew = (folder: string, ...args: string[]) =>
  spawnSync(process.execPath, [MAIN, ...args], { cwd: folder, encoding: 'utf8' });

// No real function has this stem, so that following the example of CONTRIBUTING.md does not break this test.
describe('npm run new -- function scaffold-try', () => {
  let folder: string;
  let stdout: string;
  const read = (file: string): string => readFileSync(path.join(folder, file), 'utf8');

  beforeAll(() => {
    folder = aRepositoryCopy();
    stdout = runNew(folder, 'function', 'scaffold-try').stdout;
  });

  test('prints each file that it writes or edits', () => {
    for (const file of [
      'functions/scaffold-try/handler.ts',
      'functions/scaffold-try/schema.ts',
      'functions/scaffold-try/try-scaffold.ts',
      'tests/unit/try-scaffold.test.ts',
      'events/scaffold-try/example.json',
    ]) {
      expect(stdout).toContain(`wrote  ${file}`);
      expect(existsSync(path.join(folder, file))).toBe(true);
    }
    for (const file of EDITED) expect(stdout).toContain(`edited ${file}`);
  });

  test('adds the function and its log group to the template, and changes nothing else there', () => {
    const { Resources, ...otherSections } = readTemplate(path.join(folder, 'template.yaml'));
    const { ScaffoldTryFunction, ScaffoldTryLogGroup, ...otherResources } = Resources;
    const { Resources: oldResources, ...oldOtherSections } = readTemplate('template.yaml');
    expect(otherSections).toEqual(oldOtherSections);
    expect(Object.keys(otherResources)).toEqual(Object.keys(oldResources));
    for (const [logicalId, resource] of Object.entries(oldResources)) {
      expect(otherResources[logicalId]).toEqual(resource);
    }
    expect(ScaffoldTryFunction?.Properties).toMatchObject({
      CodeUri: 'functions/scaffold-try',
      LoggingConfig: { LogGroup: { Ref: 'ScaffoldTryLogGroup' } },
    });
    expect(ScaffoldTryLogGroup).toEqual(Resources.WebhookLogGroup);
  });

  test('writes a handler that validates its input', () => {
    const script = `const { handler } = await import('./functions/scaffold-try/handler.ts');
      const answer = await handler(JSON.parse(process.argv[1]));
      console.log(JSON.stringify(answer));
      await handler({}).catch(({ name }) => console.log(name));`;
    const { stdout: output } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', script, read('events/scaffold-try/example.json')],
      { cwd: folder, encoding: 'utf8' },
    );
    expect(output).toContain('\n{}\nZodError\n');
  });

  // One use case sorts before `schema.ts` in the imports and the other after it, and their names differ in length.
  test.each(['scaffold-attempt', 'scaffold-try'])('writes files that the linter accepts, for %s', (stem) => {
    const biome = path.resolve('node_modules/@biomejs/biome/bin/biome');
    if (stem !== 'scaffold-try') runNew(folder, 'function', stem);
    const useCase = stem.split('-').reverse().join('-');
    const paths = [`functions/${stem}`, 'events', `tests/unit/${useCase}.test.ts`, ...EDITED.slice(1)];
    const args = [biome, 'ci', '--vcs-enabled=false', '--colors=off', ...paths];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });

  test('overwrites nothing when it is run again', () => {
    const { status, stderr } = runNew(folder, 'function', 'scaffold-try');
    expect([status, stderr]).toEqual([2, expect.stringContaining('functions/scaffold-try exists.')]);
  });
});

test.each([
  [['function'], 'Expected: function <noun-verb>'],
  [['state', 'job-archive'], 'Expected: function <noun-verb>'],
  [['function', 'Archive'], '"Archive" must be a noun and a verb in lower case, such as job-archive.'],
  [['function', '../job-archive'], 'must be a noun and a verb in lower case'],
])('npm run new -- %j exits with 2 and says why', (args, message) => {
  const { status, stderr } = runNew(mkdtempSync(path.join(tmpdir(), 'boomerang-')), ...args);
  expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
});

test('npm run new writes nothing if it cannot edit one of the files', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
  cpSync('tests/statistics', path.join(folder, 'tests'), { recursive: true });
  const { status } = runNew(folder, 'function', 'scaffold-try');
  expect(status).toBe(1);
  expect(existsSync(path.join(folder, 'functions'))).toBe(false);
});

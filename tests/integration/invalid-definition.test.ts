import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const DEFINITION = 'statemachine/process-pending.asl.json';

/** Runs `npm start` in a copy of the repository whose state machine is changed. */
const start = (change: (definition: string) => string) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'boomerang-'));
  for (const name of ['package.json', 'template.yaml', 'functions', 'layers', 'local', 'cli', 'statemachine'])
    cpSync(name, path.join(folder, name), { recursive: true });
  symlinkSync(path.resolve('node_modules'), path.join(folder, 'node_modules'));
  const definition = path.join(folder, DEFINITION);
  writeFileSync(definition, change(readFileSync(definition, 'utf8')));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['local/main.ts', '--temporary'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, SERVICE_PORT: '0', PROVIDERS_PORT: '0' },
  });
  return { status, stdout, lines: stderr.trimEnd().split('\n') };
};

test.each<[string, (definition: string) => string, RegExp]>([
  ['that is not JSON', (text) => text.slice(1), /: .*JSON/],
  [
    'with a Task whose function template.yaml does not substitute',
    (text) => text.replace('JobSettleFunctionArn', 'NoSuchFunctionArn'),
    /: DefinitionSubstitutions in template\.yaml has no value for \$\{NoSuchFunctionArn\}\.$/,
  ],
  [
    'with a transition to a state that does not exist',
    (text) => text.replace('"Next": "BeginSweep"', '"Next": "Nowhere"'),
    /: MISSING_TRANSITION_TARGET: .* Nowhere$/,
  ],
  [
    'with a state of an unknown type',
    (text) => text.replace('"Type": "Succeed"', '"Type": "Success"'),
    /: \S+: \/States\/SweepDone\/Type is invalid/,
  ],
])(
  'npm start explains a definition %s in one line',
  (_name, change, message) => {
    const { status, stdout, lines } = start(change);
    expect([status, stdout]).toEqual([1, '']);
    expect(lines).toEqual([expect.stringMatching(message)]);
    expect(lines[0]).toContain(DEFINITION);
  },
  60_000,
);

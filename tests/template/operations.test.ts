import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { readTemplate, resourcesOf } from '../../local/template.ts';

const template = readTemplate('template.yaml');
const text = readFileSync('docs/operations.md', 'utf8');

const sectionOf = (title: string): string => text.split(/^## /m).find((section) => section.startsWith(title)) ?? '';

/** The runbook: each paragraph that begins with names in bold, and what it says. */
const entries = sectionOf('Alarms')
  .split(/\n\n/)
  .flatMap((paragraph) => {
    const [, head = '', body = ''] = /^((?:\*\*\w+\*\*,?\s+)*\*\*\w+\*\*):\s+(.*)$/s.exec(paragraph) ?? [];
    return head === '' ? [] : [{ names: [...head.matchAll(/\*\*(\w+)\*\*/g)].map(([, name = '']) => name), body }];
  });

test('whoever is called finds an entry for every alarm in docs/operations.md, and no other', () => {
  const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([id]) => id.replace(/Alarm$/, ''));
  expect(entries.flatMap(({ names }) => names).sort()).toEqual(alarms.sort());
});

test.each(entries)('the entry of $names says what it means, and what to look at', ({ body }) => {
  expect(body.length).toBeGreaterThan(100);
  expect(body.match(/[.)]\s/g)?.length ?? 0).toBeGreaterThanOrEqual(1);
});

test('the entry of OldestDueAge says what it does not show', () => {
  expect(entries.find(({ names }) => names.includes('OldestDueAge'))?.body).toMatch(/stays low .*by design/s);
});

test('what the runbook quotes of the log is logged', () => {
  const quoted = ['Circuit opened', 'Provider circuits are open', 'Callback headers are invalid'];
  const source = [
    'packages/core/use-cases/circuit-breaker.ts',
    'functions/job-claim/report-sweep.ts',
    'functions/callback-deliver/deliver-callback.ts',
  ]
    .map((path) => readFileSync(path, 'utf8'))
    .join();
  for (const message of quoted) {
    expect(text).toContain(`\`${message}\``);
    expect(source).toContain(`'${message}'`);
  }
});

test('whoever deploys finds every parameter in docs/operations.md, and no other', () => {
  const rows = [...sectionOf('Parameters').matchAll(/^\| (`.*?) +\|/gm)].map(([, cell = '']) => cell);
  const told = rows.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  expect(told.sort()).toEqual(Object.keys(template.Parameters).sort());
});

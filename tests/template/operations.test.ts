import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { readTemplate, resourcesOf } from '../../local/template.ts';

const template = readTemplate('template.yaml');
const text = readFileSync('docs/operations.md', 'utf8');

const sectionOf = (title: string): string => text.split(/^## /m).find((section) => section.startsWith(title)) ?? '';

/** The runbook: each paragraph that begins with alarm names in bold. */
const entries = sectionOf('Alarms')
  .split(/\n\n/)
  .flatMap((paragraph) => {
    const [, head = '', body = ''] = /^((?:\*\*\w+\*\*,?\s+)*\*\*\w+\*\*):\s+(.*)$/s.exec(paragraph) ?? [];
    return head === '' ? [] : [{ names: [...head.matchAll(/\*\*(\w+)\*\*/g)].map(([, name = '']) => name), body }];
  });

test('docs/operations.md has entries for exactly the alarms of the template', () => {
  const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([id]) => id.replace(/Alarm$/, ''));
  const described = entries.flatMap(({ names }) => names);
  expect(alarms.filter((name) => !described.includes(name)).map((name) => `"## Alarms" has no **${name}**`)).toEqual(
    [],
  );
  expect(described.sort()).toEqual(alarms.sort());
});

test.each(entries)('the entry of $names has more than 100 characters of prose', ({ body }) => {
  expect(body.length).toBeGreaterThan(100);
  expect(body.match(/[.)]\s/g)?.length ?? 0).toBeGreaterThanOrEqual(1);
});

test('the entry of OldestDueAge says when the value stays low by design', () => {
  expect(entries.find(({ names }) => names.includes('OldestDueAge'))?.body).toMatch(/stays low .*by design/s);
});

test('docs/operations.md quotes only messages that the code logs', () => {
  const quoted: [message: string, file: string][] = [
    ['Circuit opened', 'packages/core/use-cases/circuit-breaker.ts'],
    ['Authentication failed', 'packages/core/http/authentication-failures.ts'],
    ['Provider circuits are open', 'functions/job-claim/report-sweep.ts'],
    ['Callback headers are invalid', 'functions/callback-deliver/deliver-callback.ts'],
    ['Credential missing', 'functions/provider-fetch/credentials.ts'],
    ['Credential invalid', 'functions/provider-fetch/check-credential.ts'],
    ['Operator acted for client', 'packages/core/http/act-for.ts'],
    ['Redrive page failed', 'functions/redrive-run/run-redrives.ts'],
    ['Job left out of redrive', 'functions/redrive-run/run-redrives.ts'],
  ];
  for (const [message, file] of quoted) {
    expect(text).toContain(`\`${message}\``);
    expect([file, readFileSync(file, 'utf8').includes(`'${message}'`)]).toEqual([file, true]);
  }
});

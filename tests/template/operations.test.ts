import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { readTemplate, resourcesOf } from '../../local/template.ts';

const template = readTemplate('template.yaml');
const text = readFileSync('docs/operations.md', 'utf8');

const sectionOf = (title: string): string => text.split(/^## /m).find((section) => section.startsWith(title)) ?? '';

test('whoever is called finds every alarm in docs/operations.md, and no other', () => {
  const told = [...sectionOf('Alarms').matchAll(/\*\*(\w+)\*\*/g)].map(([, name]) => name);
  const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([id]) => id.replace(/Alarm$/, ''));
  expect(told.sort()).toEqual(alarms.sort());
});

test('whoever deploys finds every parameter in docs/operations.md, and no other', () => {
  const rows = [...sectionOf('Parameters').matchAll(/^\| (`.*?) +\|/gm)].map(([, cell = '']) => cell);
  const told = rows.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  expect(told.sort()).toEqual(Object.keys(template.Parameters).sort());
});

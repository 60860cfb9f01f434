import { readFileSync } from 'node:fs';
import { failureClassSchema } from '@boomerang/core/contracts/task-failure.ts';
import { ROUTES } from '@boomerang/core/http/routes.ts';
import { expect, test } from '@jest/globals';
import { LOCAL_SETTINGS } from '../../local/settings.ts';
import { readTemplate } from '../../local/template.ts';

/** The text of `file.md`, or of the section `file.md#Heading`. */
const textOf = (place: string): string => {
  const [file = '', heading] = place.split('#');
  const text = readFileSync(file, 'utf8');
  return heading === undefined
    ? text
    : (text.split(/^## /m).find((section) => section.startsWith(`${heading}\n`)) ?? '');
};

/** The names, in backticks, of the first column of all tables. */
const namesInTables = (markdown: string): string[] =>
  [...markdown.matchAll(/^\| (`.*?) +\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(.*?)`/g)].map(([, name = '']) => name),
  );

/** What has to be changed in a list, one line per name. */
const corrections = (listed: readonly string[], expected: readonly string[]): string[] => [
  ...expected.filter((name) => !listed.includes(name)).map((name) => `add ${name}`),
  ...listed.filter((name) => !expected.includes(name)).map((name) => `remove ${name}`),
];

test.each<[place: string, what: string, names: readonly string[]]>([
  [
    'docs/operations.md#Parameters',
    'parameters of the template',
    Object.keys(readTemplate('template.yaml').Parameters),
  ],
  ['docs/configuration.md', 'variables that npm start reads', LOCAL_SETTINGS],
  ['docs/api.md#Routes', 'routes of the service API', ROUTES.service],
  ['docs/responses.md#Failure classes', 'failure classes', failureClassSchema.options],
])('the tables of %s list exactly the %s', (place, _what, names) => {
  const listed = namesInTables(textOf(place)).map((name) => name.replace(/\?.*/, ''));
  expect(corrections(listed, names).map((correction) => `${place}: ${correction}`)).toEqual([]);
});

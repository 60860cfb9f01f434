import { readFileSync } from 'node:fs';
import { failureClassSchema } from '@boomerang/core/contracts/task-failure.ts';
import { ROUTES } from '@boomerang/core/http/routes.ts';
import { expect, test } from '@jest/globals';
import { LOCAL_SETTINGS } from '../../local/settings.ts';
import { readTemplate } from '../../local/template.ts';

/** A document, or the part of it below a heading. */
const textOf = (file: string, heading = ''): string => {
  const sections = readFileSync(file, 'utf8').split(/^## /m);
  return heading === '' ? sections.join('') : (sections.find((section) => section.startsWith(`${heading}\n`)) ?? '');
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

test.each<[file: string, heading: string, what: string, names: readonly string[]]>([
  [
    'docs/operations.md',
    'Parameters',
    'parameters of the template',
    Object.keys(readTemplate('template.yaml').Parameters),
  ],
  ['docs/configuration.md', '', 'variables that npm start reads', LOCAL_SETTINGS],
  ['docs/api.md', 'Routes', 'routes of the service API', ROUTES.service],
  ['docs/responses.md', 'Failure classes', 'failure classes', failureClassSchema.options],
])('the tables of %s (%s) list exactly the %s', (file, heading, _what, names) => {
  const listed = namesInTables(textOf(file, heading)).map((name) => name.replace(/\?.*/, ''));
  expect(corrections(listed, names).map((correction) => `${file}: ${correction}`)).toEqual([]);
});

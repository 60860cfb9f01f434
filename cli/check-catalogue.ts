import { fileURLToPath } from 'node:url';
import { readPendingJobs } from '@boomerang/core/adapters/dynamo/pending-jobs.ts';
import type { Catalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import { refusalsOf } from '@boomerang/core/domain/catalogue/compare-pending.ts';
import { findRepeatedKeys, locateFaults } from '@boomerang/core/domain/catalogue/locate-faults.ts';
import { readLocalSecrets } from '../local/local-secrets.ts';
import { readTemplate } from '../local/template.ts';
import { describePlace, placeholdersOf, readCatalogueFile } from './catalogue-file.ts';
import { CATALOGUE_ARGUMENT, CATALOGUE_ENVIRONMENT, catalogueFileOf } from './catalogue-options.ts';
import { findWarnings } from './catalogue-warnings.ts';
import { type Command, orFailUsage, readArguments } from './command.ts';
import { STACK_ENVIRONMENT, STACK_OPTIONS, type Stack, withStack } from './stack.ts';

const TEMPLATE = fileURLToPath(new URL('../template.yaml', import.meta.url));

/** `npm run providers -- check`: whether a catalogue can be used. */

export const CHECK_CATALOGUE = {
  name: 'npm run providers',
  about:
    'Checks a provider catalogue: every error at once, as file:line:column: path: message. It calls no provider. With --stage it\nalso compares the catalogue with what the pending jobs of that deployment ask for.',
  arguments: `check ${CATALOGUE_ARGUMENT}`,
  options: STACK_OPTIONS,
  environment: { ...CATALOGUE_ENVIRONMENT, ...STACK_ENVIRONMENT },
  examples: {
    check: 'the shipped catalogue',
    'check mine.json --stage prod': 'before it is deployed: reads the whole table, half a read unit for each 4 KB',
  },
  exitCodes: {
    0: 'it can be used; warnings do not count',
    1: 'it has errors, or refuses what pending jobs ask for',
    2: 'wrong usage, or there is no such file',
  },
} as const satisfies Command;

export const checkCatalogue = async (args: string[]): Promise<void> => {
  const { values, positionals } = readArguments(CHECK_CATALOGUE, args);
  const file = catalogueFileOf(CHECK_CATALOGUE, positionals);
  const { text, isJson, catalogue, faults } = readCatalogueFile(file, placeholdersOf(process.env));
  const errors = locateFaults(text, [...faults, ...(isJson ? findRepeatedKeys(text) : [])]);
  const warnings = catalogue
    ? locateFaults(text, findWarnings(catalogue, { ...readLocalSecrets(readTemplate(TEMPLATE)), ...process.env }))
    : [];
  for (const error of errors) print(`${file}:${describePlace(error)}`);
  for (const warning of warnings) print(`${file}:${describePlace(warning)} (warning)`);
  if (errors.length > 0 || !catalogue) {
    process.exitCode = 1;
    return;
  }
  print(`ok, ${catalogue.size} provider${catalogue.size === 1 ? '' : 's'}`);
  if (values.stage !== undefined || values.stack !== undefined) {
    await orFailUsage(CHECK_CATALOGUE, () => withStack(values, (stack) => comparePendingJobs(catalogue, stack)));
  }
};

/** Prints what the catalogue would refuse of pending jobs: how many jobs, and why. */
const comparePendingJobs = async (catalogue: Catalogue, { database: client, outputs }: Stack): Promise<void> => {
  const counts = new Map<string, number>();
  let jobs = 0;
  for await (const job of readPendingJobs({ client, tableName: outputs.JobTableName ?? '' })) {
    jobs += 1;
    for (const refusal of refusalsOf(catalogue, job)) counts.set(refusal, (counts.get(refusal) ?? 0) + 1);
  }
  for (const [refusal, count] of counts) print(`${refusal} (${count} pending job${count === 1 ? '' : 's'})`);
  if (counts.size > 0) process.exitCode = 1;
  else print(`ok, it takes what ${jobs} pending job${jobs === 1 ? '' : 's'} ask${jobs === 1 ? 's' : ''} for`);
};

const print = (line: string): void => void process.stdout.write(`${line}\n`);

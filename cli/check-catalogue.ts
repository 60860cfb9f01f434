import { fileURLToPath } from 'node:url';
import { readPendingJobs } from '@boomerang/core/adapters/dynamo/pending-jobs.ts';
import type { Catalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import { refusalsOf } from '@boomerang/core/domain/catalogue/compare-pending.ts';
import { findRepeatedKeys, locateFaults } from '@boomerang/core/domain/catalogue/locate-faults.ts';
import { readLocalSecrets } from '../local/local-secrets.ts';
import { readTemplate } from '../local/template.ts';
import { formatFault, placeholdersOf, readCatalogueFile } from './catalogue-file.ts';
import { CATALOGUE_ARGUMENT, CATALOGUE_ENVIRONMENT, catalogueFileOf } from './catalogue-options.ts';
import { findWarnings } from './catalogue-warnings.ts';
import { type Command, orFailUsage, readArguments } from './command.ts';
import { STACK_ENVIRONMENT, STACK_OPTIONS, type Stack, withStack } from './stack.ts';

const TEMPLATE = fileURLToPath(new URL('../template.yaml', import.meta.url));

/** `npm run providers -- check`: validates a catalogue. */

export const CHECK_CATALOGUE = {
  name: 'npm run providers',
  about:
    'Validates a provider catalogue, and prints all errors as file:line:column: path: message. Calls no provider. With --stage it\nalso checks that the catalogue accepts the pending jobs of that deployment.',
  arguments: `check ${CATALOGUE_ARGUMENT}`,
  options: STACK_OPTIONS,
  environment: { ...CATALOGUE_ENVIRONMENT, ...STACK_ENVIRONMENT },
  examples: {
    check: 'the shipped catalogue',
    'check mine.json --stage prod': 'before deploying it: reads the whole table, at half a read unit per 4 KB',
  },
  exitCodes: {
    0: 'the catalogue is valid; it may have warnings',
    1: 'it has errors, or refuses pending jobs',
    2: 'wrong usage, or the file cannot be read',
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
  for (const error of errors) print(`${file}:${formatFault(error)}`);
  for (const warning of warnings) print(`${file}:${formatFault(warning)} (warning)`);
  if (errors.length > 0 || !catalogue) {
    process.exitCode = 1;
    return;
  }
  print(`ok, ${catalogue.size} provider${catalogue.size === 1 ? '' : 's'}`);
  if (values.stage !== undefined || values.stack !== undefined) {
    await orFailUsage(CHECK_CATALOGUE, () => withStack(values, (stack) => comparePendingJobs(catalogue, stack)));
  }
};

/** Prints each reason why the catalogue refuses pending jobs, and how many jobs it affects. */
const comparePendingJobs = async (catalogue: Catalogue, { database: client, outputs }: Stack): Promise<void> => {
  const counts = new Map<string, number>();
  let jobs = 0;
  for await (const job of readPendingJobs({ client, tableName: outputs.JobTableName ?? '' })) {
    jobs += 1;
    for (const refusal of refusalsOf(catalogue, job)) counts.set(refusal, (counts.get(refusal) ?? 0) + 1);
  }
  for (const [refusal, count] of counts) print(`${refusal} (${count} pending job${count === 1 ? '' : 's'})`);
  if (counts.size > 0) process.exitCode = 1;
  else print(`ok, accepts ${jobs} pending job${jobs === 1 ? '' : 's'}`);
};

const print = (line: string): void => void process.stdout.write(`${line}\n`);

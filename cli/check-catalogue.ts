import { findRepeatedKeys, locateFaults } from '@boomerang/core/domain/catalogue/locate-faults.ts';
import { describePlace, placeholdersOf, readCatalogueFile } from './catalogue-file.ts';
import { CATALOGUE_ARGUMENT, CATALOGUE_ENVIRONMENT, catalogueFileOf } from './catalogue-options.ts';
import { findWarnings } from './catalogue-warnings.ts';
import { type Command, readArguments } from './command.ts';

/** `npm run providers -- check`: whether a catalogue can be used. */

export const CHECK_CATALOGUE = {
  name: 'npm run providers',
  about: 'Checks a provider catalogue: every error at once, as file:line:column: path: message. It calls no provider.',
  arguments: `check ${CATALOGUE_ARGUMENT}`,
  environment: CATALOGUE_ENVIRONMENT,
  exitCodes: {
    0: 'it can be used; warnings do not count',
    1: 'it has errors',
    2: 'wrong usage, or there is no such file',
  },
} as const satisfies Command;

export const checkCatalogue = async (args: string[]): Promise<void> => {
  const file = catalogueFileOf(CHECK_CATALOGUE, readArguments(CHECK_CATALOGUE, args).positionals);
  const { text, isJson, catalogue, faults } = readCatalogueFile(file, placeholdersOf(process.env));
  const errors = locateFaults(text, [...faults, ...(isJson ? findRepeatedKeys(text) : [])]);
  const warnings = catalogue ? locateFaults(text, findWarnings(catalogue, process.env)) : [];
  for (const error of errors) print(`${file}:${describePlace(error)}`);
  for (const warning of warnings) print(`${file}:${describePlace(warning)} (warning)`);
  if (errors.length > 0) process.exitCode = 1;
  else print(`ok, ${catalogue?.size} provider${catalogue?.size === 1 ? '' : 's'}`);
};

const print = (line: string): void => void process.stdout.write(`${line}\n`);

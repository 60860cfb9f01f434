import { SHIPPED_CATALOGUE } from './catalogue-file.ts';
import { type Command, failUsage } from './command.ts';

/** Arguments and environment shared by the commands that read a catalogue file. */

export const CATALOGUE_ARGUMENT = '[file]';

export const CATALOGUE_ENVIRONMENT = {
  PROVIDER_CATALOGUE: `path of the catalogue, if no file is named (${SHIPPED_CATALOGUE})`,
  'PROVIDERS_API_URL, PROVIDERS_PORT': 'value of ${PROVIDERS_API_URL} in the catalogue (http://127.0.0.1:3001)',
};

export const catalogueFileOf = (command: Command, positionals: readonly string[]): string => {
  const [file, extra] = positionals;
  if (extra !== undefined) return failUsage(command, 'Only one file is allowed.');
  return file ?? (process.env.PROVIDER_CATALOGUE || SHIPPED_CATALOGUE);
};

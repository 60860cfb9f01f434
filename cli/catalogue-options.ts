import { SHIPPED_CATALOGUE } from './catalogue-file.ts';
import { type Command, failUsage } from './command.ts';

/** What the commands over a catalogue's file have in common. */

export const CATALOGUE_ARGUMENT = '[file]';

export const CATALOGUE_ENVIRONMENT = {
  PROVIDER_CATALOGUE: `path of the catalogue, where no file is named (${SHIPPED_CATALOGUE})`,
  'PROVIDERS_API_URL, PROVIDERS_PORT': 'what ${PROVIDERS_API_URL} in it stands for (http://127.0.0.1:3001)',
};

export const catalogueFileOf = (command: Command, positionals: readonly string[]): string => {
  const [file, more] = positionals;
  if (more !== undefined) return failUsage(command, 'It takes one file.');
  return file ?? (process.env.PROVIDER_CATALOGUE || SHIPPED_CATALOGUE);
};

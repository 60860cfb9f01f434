import { CHECK_CATALOGUE, checkCatalogue } from './check-catalogue.ts';
import { type Command, failUsage, readArguments } from './command.ts';
import { LIST_PROVIDERS, listProviders } from './list-providers.ts';
import { TRY_PROVIDER, tryProvider } from './try-provider.ts';

/** `npm run providers`: lists, checks and tries the providers of a catalogue. */

/** Subcommands; each parses the arguments after its name. */
const COMMANDS: Readonly<Record<string, { command: Command; run: (args: string[]) => Promise<void> }>> = {
  list: { command: LIST_PROVIDERS, run: listProviders },
  check: { command: CHECK_CATALOGUE, run: checkCatalogue },
  try: { command: TRY_PROVIDER, run: tryProvider },
};

/** Errors printed without a stack trace. */
const EXPLAINED = ['InvalidCatalogue', 'StackNotFound', 'DataFolderError'];

const PROVIDERS: Command = {
  name: 'npm run providers',
  about: `Works with a provider catalogue. Commands: ${Object.keys(COMMANDS).join(', ')}. Each has its own --help.`,
  arguments: `${Object.keys(COMMANDS).join('|')} …`,
  examples: Object.fromEntries(Object.entries(COMMANDS).map(([name, { command }]) => [name, command.about])),
  exitCodes: {
    1: 'the catalogue has errors, or the fetch failed',
    2: 'wrong usage, or the file cannot be read',
  },
  more: 'docs/providers.md describes the catalogue.',
};

const [name = '', ...rest] = process.argv.slice(2);
const chosen = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (chosen === undefined) {
  readArguments(PROVIDERS);
  failUsage(PROVIDERS, name === '' ? 'A command is required.' : `No such command: ${name}`);
} else {
  try {
    await chosen.run(rest);
  } catch (error) {
    const { name, message } = error as Error;
    console.error(EXPLAINED.includes(name) ? message : error);
    process.exitCode = 2;
  }
}

import { CHECK_CATALOGUE, checkCatalogue } from './check-catalogue.ts';
import { type Command, failUsage, readArguments } from './command.ts';
import { LIST_PROVIDERS, listProviders } from './list-providers.ts';
import { TRY_PROVIDER, tryProvider } from './try-provider.ts';

/** `npm run providers`: the third parties of a catalogue. */

/** Each takes the arguments after its name. */
const COMMANDS: Readonly<Record<string, { command: Command; run: (args: string[]) => Promise<void> }>> = {
  list: { command: LIST_PROVIDERS, run: listProviders },
  check: { command: CHECK_CATALOGUE, run: checkCatalogue },
  try: { command: TRY_PROVIDER, run: tryProvider },
};

/** Errors whose message says everything. */
const EXPLAINED = ['InvalidCatalogue', 'StackNotFound', 'DataFolderError'];

const PROVIDERS: Command = {
  name: 'npm run providers',
  about: `The provider catalogue. ${Object.keys(COMMANDS).join(', ')}: each has a --help of its own.`,
  arguments: `${Object.keys(COMMANDS).join('|')} …`,
  examples: Object.fromEntries(Object.entries(COMMANDS).map(([name, { command }]) => [name, command.about])),
  exitCodes: {
    1: 'the catalogue has errors, or nothing would be delivered',
    2: 'wrong usage, or there is no such file',
  },
  more: 'docs/providers.md says what a catalogue can say.',
};

const [name = '', ...rest] = process.argv.slice(2);
const chosen = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (chosen === undefined) {
  readArguments(PROVIDERS);
  failUsage(PROVIDERS, name === '' ? 'Which command?' : `There is no command ${name}.`);
} else {
  try {
    await chosen.run(rest);
  } catch (error) {
    const { name, message } = error as Error;
    console.error(EXPLAINED.includes(name) ? message : error);
    process.exitCode = 2;
  }
}

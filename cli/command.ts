import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from './usage-error.ts';

type Option = {
  type: 'boolean' | 'string';
  /** Whether it may be given more than once. */
  multiple?: boolean;
  short?: string;
  default?: string | boolean;
  value?: string;
  about: string;
};

/** What a command takes and does: what `--help` prints, and what its arguments are checked against. */
export type Command = {
  /** As it is typed: `npm run demo`. */
  name: string;
  about: string;
  /** Arguments without a name, as the usage shows them; absent: it takes none. */
  arguments?: string;
  options?: Readonly<Record<string, Option>>;
  /** Environment variables, and what they do. */
  environment?: Readonly<Record<string, string>>;
  /** Command lines after the name, and what they do. */
  examples?: Readonly<Record<string, string>>;
  exitCodes?: Readonly<Record<number, string>>;
  /** What else there is to say, at the end. */
  more?: string;
};

const HELP = { type: 'boolean', short: 'h', about: 'print this and do nothing else' } as const;

const table = (rows: [string, string][]): string => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows
    .map(([left, right]) => `  ${left.padEnd(width)}  ${right.replaceAll('\n', `\n${' '.repeat(width + 4)}`)}\n`)
    .join('');
};

const section = (title: string, rows: [string, string][]): string =>
  rows.length === 0 ? '' : `\n${title}:\n${table(rows)}`;

export const usageOf = (command: Command): string => {
  const { name, about, options = {}, environment = {}, examples = {}, exitCodes = {}, more } = command;
  const dashes = [command.arguments, Object.keys(options).length > 0 && '[options]'].filter(Boolean).join(' ');
  const optionRows = Object.entries({ ...options, help: HELP }).map(
    ([option, { short, value, about: does }]: [string, Option]): [string, string] => [
      `${short ? `-${short}, ` : ''}--${option}${value ? ` <${value}>` : ''}`,
      does,
    ],
  );
  const exampleRows = Object.entries(examples).map(([args, does]): [string, string] => [
    [name, ...(args === '' ? [] : ['--', args])].join(' '),
    does,
  ]);
  const codes = { 0: 'success', ...exitCodes, 2: exitCodes[2] ?? 'wrong usage' };
  return [
    `Usage: ${name}${dashes === '' ? '' : ` [-- ${dashes}]`}\n\n${about}\n`,
    section('Options', optionRows),
    section('Environment', Object.entries(environment)),
    section('Examples', exampleRows),
    section('Exit codes', Object.entries(codes)),
    more === undefined ? '' : `\n${more}\n`,
  ].join('');
};

type Values<C extends Command> = {
  [Name in keyof C['options']]: C['options'][Name] extends { type: 'boolean' }
    ? boolean
    : C['options'][Name] extends { multiple: true }
      ? string[] | undefined
      : C['options'][Name] extends { default: string }
        ? string
        : string | undefined;
};

/**
 * Reads the arguments of a command. With `--help` it prints the usage and ends the process with 0; what the command does not take
 * ends it with 2, after an explanation and the usage on stderr. Call it before anything else happens.
 */
export const readArguments = <const C extends Command>(
  command: C,
  args: string[] = process.argv.slice(2),
): { values: Values<C>; positionals: string[] } => {
  const options = { ...command.options, help: HELP };
  try {
    const config = { args, options, allowPositionals: command.arguments !== undefined } as ParseArgsConfig;
    const { values, positionals } = parseArgs(config);
    if (values.help) {
      process.stdout.write(usageOf(command));
      process.exit(0);
    }
    const booleans = Object.entries(options).filter(([, { type }]) => type === 'boolean');
    const off = Object.fromEntries(booleans.map(([name]) => [name, false]));
    return { values: { ...off, ...values } as Values<C>, positionals };
  } catch (error) {
    return failUsage(command, (error as Error).message);
  }
};

/** Ends the process because of how a command was called. */
export const failUsage = (command: Command, message: string): never => {
  process.stderr.write(`${message}\n\n${usageOf(command)}`);
  process.exit(2);
};

/** Does the work of a command: a wrong use that is only found on the way ends it as one that is found at once. */
export const orFailUsage = async <T>(command: Command, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UsageError) return failUsage(command, error.message);
    throw error;
  }
};

import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from './usage-error.ts';

type Option = {
  type: 'boolean' | 'string';
  /** Whether it may be repeated. */
  multiple?: boolean;
  short?: string;
  default?: string | boolean;
  /** Placeholder of the value in the usage. Absent if the option is a flag. */
  value?: string;
  about: string;
};

/** Definition of a command: `--help` prints it, and arguments are checked against it. */
export type Command = {
  /** As it is typed: `npm run demo`. */
  name: string;
  about: string;
  /** Positional arguments, as shown in the usage. Absent if none are allowed. */
  arguments?: string;
  options?: Readonly<Record<string, Option>>;
  /** Environment variables and their meaning. */
  environment?: Readonly<Record<string, string>>;
  /** Arguments of example calls, and what each does. */
  examples?: Readonly<Record<string, string>>;
  exitCodes?: Readonly<Record<number, string>>;
  /** Printed after everything else. */
  more?: string;
};

const HELP = { type: 'boolean', short: 'h', about: 'print this help' } as const;

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
  const args = [command.arguments, Object.keys(options).length > 0 && '[options]'].filter(Boolean).join(' ');
  const optionRows = Object.entries({ ...options, help: HELP }).map(
    ([option, { short, value, about: description }]: [string, Option]): [string, string] => [
      `${short ? `-${short}, ` : ''}--${option}${value ? ` <${value}>` : ''}`,
      description,
    ],
  );
  const exampleRows = Object.entries(examples).map(([exampleArgs, description]): [string, string] => [
    [name, ...(exampleArgs === '' ? [] : ['--', exampleArgs])].join(' '),
    description,
  ]);
  const codes = { 0: 'success', ...exitCodes, 2: exitCodes[2] ?? 'wrong usage' };
  return [
    `Usage: ${name}${args === '' ? '' : ` [-- ${args}]`}\n\n${about}\n`,
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
 * Reads the arguments of a command. On `--help` it prints the usage and exits with 0. On invalid arguments it prints the error
 * and the usage to stderr and exits with 2. Call it before doing anything else.
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
    const defaults = Object.fromEntries(booleans.map(([name]) => [name, false]));
    return { values: { ...defaults, ...values } as Values<C>, positionals };
  } catch (error) {
    return failUsage(command, (error as Error).message);
  }
};

/** Prints an error and the usage to stderr, and exits with 2. */
export const failUsage = (command: Command, message: string): never => {
  process.stderr.write(`${message}\n\n${usageOf(command)}`);
  process.exit(2);
};

/** Runs `work`, and handles a UsageError like invalid arguments. */
export const orFailUsage = async <T>(command: Command, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UsageError) return failUsage(command, error.message);
    throw error;
  }
};

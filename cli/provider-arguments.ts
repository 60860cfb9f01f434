import { type Fault, parameterFaults } from '@boomerang/core/domain/catalogue/parameters.ts';
import type { Parameters, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import type { Command } from './command.ts';
import { UsageError } from './usage-error.ts';

/** Provider parameters on the command line: `--account 12345678`, or `--parameter account=12345678`. */

type Options = NonNullable<Command['options']>;

/** An option for each parameter whose name does not clash with an option of the command. */
export const parameterOptions = ({ parameters }: Provider, taken: Options): Options =>
  Object.fromEntries(
    Object.entries(parameters?.properties ?? {})
      .filter(([name]) => !Object.hasOwn(taken, name) && name !== 'help')
      .map(([name, { type, format, title, description }]) => [
        name,
        { type: 'string', value: format ?? type, about: title ?? description ?? 'provider parameter' },
      ]),
  );

/**
 * Converts parameter values to their types, and validates them.
 *
 * @param values the values of the parameters' own options, by name
 * @param pairs the values of --parameter, each `name=value`
 * @throws UsageError with every invalid parameter, but without values
 */
export const readParameters = (
  provider: Provider,
  values: Readonly<Record<string, unknown>>,
  pairs: readonly string[],
): Parameters => {
  const named = Object.keys(provider.parameters?.properties ?? {}).flatMap((name): [string, string][] => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return typeof value === 'string' ? [[name, value]] : [];
  });
  const parameters = Object.fromEntries(
    [...named, ...pairs.map(readPair)].map(([name, text]) => [name, toValue(provider, name, text)]),
  );
  const faults = parameterFaults(provider, parameters);
  if (faults.length > 0) throw new UsageError(faults.map(describeFault).join('\n'));
  return parameters;
};

const readPair = (pair: string): [string, string] => {
  const at = pair.indexOf('=');
  if (at < 1) throw new UsageError('--parameter must be name=value');
  return [pair.slice(0, at), pair.slice(at + 1)];
};

/** Text that can't be converted stays a string, and fails validation. */
const toValue = ({ parameters }: Provider, name: string, text: string): string | number | boolean => {
  const type = Object.hasOwn(parameters?.properties ?? {}, name) ? parameters?.properties[name]?.type : undefined;
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  const isNumber = (type === 'number' || type === 'integer') && /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text);
  return isNumber ? Number(text) : text;
};

const describeFault = ({ path: [name = ''], message }: Fault): string => `--${name}: ${message}`;

import { type Fault, parameterFaults } from '@boomerang/core/domain/catalogue/parameters.ts';
import type { Parameters, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import type { Command } from './command.ts';
import { UsageError } from './usage-error.ts';

/** The parameters of a provider on the command line: `--account 12345678`, or `--parameter account=12345678`. */

type Options = NonNullable<Command['options']>;

/** An option for each parameter whose name no option of the command has. */
export const parameterOptions = ({ parameters }: Provider, taken: Options): Options =>
  Object.fromEntries(
    Object.entries(parameters?.properties ?? {})
      .filter(([name]) => !Object.hasOwn(taken, name) && name !== 'help')
      .map(([name, { type, format, title, description }]) => [
        name,
        { type: 'string', value: format ?? type, about: title ?? description ?? 'a parameter of the provider' },
      ]),
  );

/**
 * Reads values as their parameters have them.
 *
 * @param values what was given, by option
 * @param pairs `name=value`
 * @throws UsageError naming every value that is wrong, and none of them
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
  if (faults.length > 0) throw new UsageError(faults.map(describe).join('\n'));
  return parameters;
};

const readPair = (pair: string): [string, string] => {
  const at = pair.indexOf('=');
  if (at < 1) throw new UsageError('--parameter takes name=value');
  return [pair.slice(0, at), pair.slice(at + 1)];
};

/** A text that does not look like the type stays text: that is told as a fault of its own. */
const toValue = ({ parameters }: Provider, name: string, text: string): string | number | boolean => {
  const type = Object.hasOwn(parameters?.properties ?? {}, name) ? parameters?.properties[name]?.type : undefined;
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  const isNumber = (type === 'number' || type === 'integer') && /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text);
  return isNumber ? Number(text) : text;
};

const describe = ({ path: [name = ''], message }: Fault): string => `--${name}: ${message}`;

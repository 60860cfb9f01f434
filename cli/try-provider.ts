import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SSMClient } from '@aws-sdk/client-ssm';
import { createNodeHttp } from '@boomerang/core/adapters/node-http.ts';
import { createFindSecret, variableOf } from '@boomerang/core/adapters/secrets.ts';
import type { Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { cutText } from '@boomerang/core/domain/text.ts';
import { type FindSecret, SecretMissing } from '@boomerang/core/ports/secrets.ts';
import { v7 as uuidv7 } from 'uuid';
import { readLocalSecrets } from '../local/local-secrets.ts';
import { findRunning } from '../local/running.ts';
import { readTemplate } from '../local/template.ts';
import { describePlace, placeholdersOf, readCatalogueFile, SHIPPED_CATALOGUE } from './catalogue-file.ts';
import { CATALOGUE_ENVIRONMENT } from './catalogue-options.ts';
import { type Command, failUsage, orFailUsage, readArguments } from './command.ts';
import { describeStack } from './describe-stack.ts';
import { parameterOptions, readParameters } from './provider-arguments.ts';
import { STACK_ENVIRONMENT, STACK_OPTIONS, stackNameOf } from './stack.ts';
import { type TracedCall, type Trial, traceFetch, type Verdict } from './trace-fetch.ts';
import { UsageError } from './usage-error.ts';

/** `npm run providers -- try`: one real fetch from a provider, with each of its calls. */

export const TRY_PROVIDER = {
  name: 'npm run providers',
  about:
    'Fetches from one provider as a job would, and prints each call, the verdict and what would be delivered. No table is touched: no circuit, no limit, no job.',
  arguments: 'try <id> [--<parameter> <value> …]',
  options: {
    ...STACK_OPTIONS,
    catalogue: {
      type: 'string',
      value: 'file',
      about: `the catalogue's file (PROVIDER_CATALOGUE, or ${SHIPPED_CATALOGUE})`,
    },
    parameter: {
      type: 'string',
      multiple: true,
      value: 'name=value',
      about: 'a parameter, for names that are options of this command; may be repeated',
    },
    full: { type: 'boolean', about: 'print all of the data' },
    json: { type: 'boolean', about: 'for machines, with all of the data' },
    timeout: {
      type: 'string',
      default: '300',
      value: 'seconds',
      about: 'how long to wait for a provider that is asked by polling (300)',
    },
  },
  environment: {
    ...CATALOGUE_ENVIRONMENT,
    ...STACK_ENVIRONMENT,
    GAS_API_KEY: 'and the like: the secrets of providers, for the embedded cloud',
  },
  examples: {
    'try gas --account 12345678': 'with the secrets of the environment',
    'try gas --account 12345678 --stage dev': 'with those of the stack boomerang-dev (SSM)',
  },
  exitCodes: { 1: 'nothing would be delivered', 2: 'wrong usage, or the call could not be made' },
} as const satisfies Command;

const TEMPLATE = fileURLToPath(new URL('../template.yaml', import.meta.url));

export const tryProvider = async (args: string[]): Promise<void> => {
  const [id = ''] = args;
  if (id === '' || id.startsWith('-')) {
    readArguments(TRY_PROVIDER, args);
    return failUsage(TRY_PROVIDER, 'Which provider?');
  }
  await orFailUsage(TRY_PROVIDER, async () => {
    const { stage, stack, catalogue: named } = readChoice(args);
    const stackName = stackNameOf({ stage, stack });
    const place = stackName === undefined ? await findEmbedded() : await findOnAws(stackName);
    const file = named ?? (process.env.PROVIDER_CATALOGUE || SHIPPED_CATALOGUE);
    const { catalogue, faults } = readCatalogueFile(file, { ...placeholdersOf(process.env), ...place.placeholders });
    if (!catalogue) throw new UsageError(faults.map((fault) => `${file}:${describePlace(fault)}`).join('\n'));
    const provider = catalogue.get(id);
    if (!provider) throw new UsageError(`There is no provider ${id}, only ${[...catalogue.keys()].join(', ')}.`);
    await run(provider, args.slice(1), place);
  });
};

/** What decides which options there are. */
const readChoice = (args: string[]): { stage?: string; stack?: string; catalogue?: string } => {
  const { values } = parseArgs({ args, options: { ...TRY_PROVIDER.options }, strict: false, allowPositionals: true });
  const textOf = (name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined);
  const chosen = ['stage', 'stack', 'catalogue'].map((name) => [name, textOf(name)] as const);
  return Object.fromEntries(chosen.filter(([, value]) => value !== undefined));
};

/** Where a provider is fetched from: what the catalogue's placeholders are there, and its secrets. */
type Place = {
  placeholders: Record<string, string>;
  findSecret: FindSecret;
  /** Where a secret is to be set. */
  nameOf: (secret: string) => string;
};

const findEmbedded = async (): Promise<Place> => {
  const running = await findRunning(process.env.DATA_DIR ?? '.data');
  const { ProvidersApiUrl } = running?.outputs ?? {};
  const secrets = { ...readLocalSecrets(readTemplate(TEMPLATE)), ...process.env };
  return {
    placeholders: ProvidersApiUrl && !process.env.PROVIDERS_API_URL ? { PROVIDERS_API_URL: ProvidersApiUrl } : {},
    findSecret: createFindSecret(new SSMClient({ region: 'us-east-1' }), '', secrets),
    nameOf: variableOf,
  };
};

const findOnAws = async (stackName: string): Promise<Place> => {
  const cloudFormation = new CloudFormationClient();
  try {
    const { outputs } = await describeStack(cloudFormation, stackName);
    const path = `/${stackName}/providers`;
    return {
      placeholders: outputs.ProvidersApiUrl ? { PROVIDERS_API_URL: outputs.ProvidersApiUrl } : {},
      findSecret: createFindSecret(new SSMClient(), path, {}),
      nameOf: (secret) => `the SSM parameter ${path}/${secret}`,
    };
  } catch (cause) {
    throw new UsageError(`Stack ${stackName}: ${(cause as Error).message}`);
  } finally {
    cloudFormation.destroy();
  }
};

const run = async (provider: Provider, args: string[], { findSecret, nameOf }: Place): Promise<void> => {
  const options = { ...parameterOptions(provider, TRY_PROVIDER.options), ...TRY_PROVIDER.options };
  const command = { ...TRY_PROVIDER, options } as unknown as typeof TRY_PROVIDER;
  const { values, positionals } = readArguments(command, args);
  if (positionals.length > 0) throw new UsageError('It takes one provider.');
  const parameters = readParameters(provider, values, values.parameter ?? []);
  const timeoutMs = Number(values.timeout) * 1000;
  if (!/^\d{1,6}$/.test(values.timeout)) throw new UsageError('--timeout takes a whole number of seconds');
  const tell = (text: string): void => void (values.json || process.stdout.write(`${text}\n`));
  let number = 0;
  const deps = {
    send: createNodeHttp(),
    findSecret,
    now: Date.now,
    newId: uuidv7,
    sleep,
    timeoutMs,
    onCall: (call: TracedCall) => {
      number += 1;
      tell(describeCall(number, call));
    },
    onWait: (waitMs: number) => tell(`   still working: asked again in ${waitMs / 1000} s`),
  };
  try {
    const trial = await traceFetch(deps, provider, parameters);
    process.stdout.write(`${values.json ? toJson(provider, trial) : describeTrial(trial, values.full)}\n`);
    if (trial.json === undefined) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof SecretMissing) || !provider.auth) throw error;
    console.error(`${error.message}: set ${nameOf(provider.auth.secret)}`);
    process.exitCode = 2;
  }
};

const describeCall = (number: number, { method, url, headers, body, ...answer }: TracedCall): string => {
  const { statusCode, bytes, durationMs, failure } = answer;
  const result = statusCode === undefined ? failure : `${statusCode}  ${bytes} bytes`;
  return [
    `${String(number).padEnd(3)}${method} ${url}`,
    ...Object.entries(headers).map(([name, value]) => `   ${name}: ${value}`),
    ...(body === undefined ? [] : [`   ${cutText(body, MAX_BODY_CHARACTERS)}`]),
    `   ${result}  ${durationMs} ms`,
  ].join('\n');
};

const MAX_BODY_CHARACTERS = 500;
const MAX_DATA_CHARACTERS = 2_000;

const describeTrial = ({ calls, verdict, json }: Trial, isFull: boolean): string => {
  const lines = [describeVerdict(verdict, calls)];
  if (json !== undefined) {
    const shown = isFull ? json : cutText(json, MAX_DATA_CHARACTERS);
    lines.push(shown);
    if (shown.length < json.length) lines.push(`… ${json.length - shown.length} more characters: --full prints them`);
  }
  return lines.join('\n');
};

const describeVerdict = (verdict: Verdict, calls: TracedCall[]): string => {
  switch (verdict.status) {
    case 'FETCHED': {
      const { bytes, durationMs } = verdict;
      return `FETCHED: ${calls.length} call${calls.length === 1 ? '' : 's'}, ${bytes} bytes of JSON, ${durationMs} ms`;
    }
    case 'WORKING':
      return `WORKING: not done after ${verdict.polls} questions; --timeout waits longer`;
    default: {
      const { status, error, class: failureClass, statusCode, retryAfterMs, excerpt } = verdict;
      const facts = [failureClass, statusCode, retryAfterMs !== undefined && `asks to wait ${retryAfterMs / 1000} s`];
      const text = `${status} (${error}): ${facts.filter((fact) => fact !== undefined && fact !== false).join(', ')}`;
      return excerpt ? `${text}\n${excerpt}` : text;
    }
  }
};

/** The data as it is: numbers keep each digit. */
const toJson = (provider: Provider, { json, ...trial }: Trial): string => {
  const report = JSON.stringify({ provider: provider.id, ...trial }, null, 2);
  return json === undefined ? report : `${report.slice(0, -2)},\n  "data": ${json}\n}`;
};

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
import { formatFault, placeholdersOf, readCatalogueFile, SHIPPED_CATALOGUE } from './catalogue-file.ts';
import { CATALOGUE_ENVIRONMENT } from './catalogue-options.ts';
import { type Command, failUsage, orFailUsage, readArguments } from './command.ts';
import { describeStack } from './describe-stack.ts';
import { parameterOptions, readParameters } from './provider-arguments.ts';
import { STACK_ENVIRONMENT, STACK_OPTIONS, stackNameOf } from './stack.ts';
import { type Trace, type TracedCall, traceFetch, type Verdict } from './trace-fetch.ts';
import { UsageError } from './usage-error.ts';

/** `npm run providers -- try`: runs one real fetch, and prints each of its calls. */

export const TRY_PROVIDER = {
  name: 'npm run providers',
  about:
    'Fetches from one provider as a job would, and prints each call, the outcome and the data that would be delivered. Creates no\njob, and ignores circuits and rate limits.',
  arguments: 'try <id> [--<parameter> <value> …]',
  options: {
    ...STACK_OPTIONS,
    catalogue: {
      type: 'string',
      value: 'file',
      about: `catalogue file (PROVIDER_CATALOGUE, or ${SHIPPED_CATALOGUE})`,
    },
    parameter: {
      type: 'string',
      multiple: true,
      value: 'name=value',
      about: 'a parameter whose name is also an option of this command; may be repeated',
    },
    full: { type: 'boolean', about: 'print the data in full' },
    json: { type: 'boolean', about: 'print JSON, with the data in full' },
    timeout: {
      type: 'string',
      default: '300',
      value: 'seconds',
      about: 'how long to poll a provider that is still working (300)',
    },
  },
  environment: {
    ...CATALOGUE_ENVIRONMENT,
    ...STACK_ENVIRONMENT,
    'GAS_API_KEY, …': 'secrets of providers, for the embedded cloud',
  },
  examples: {
    'try gas --account 12345678': 'with the secrets in the environment',
    'try gas --account 12345678 --stage dev': 'with the secrets of the stack boomerang-dev, from SSM',
  },
  exitCodes: { 1: 'the fetch failed', 2: 'wrong usage, or the call could not be made' },
} as const satisfies Command;

const TEMPLATE = fileURLToPath(new URL('../template.yaml', import.meta.url));

export const tryProvider = async (args: string[]): Promise<void> => {
  const [id = ''] = args;
  if (id === '' || id.startsWith('-')) {
    readArguments(TRY_PROVIDER, args);
    return failUsage(TRY_PROVIDER, 'A provider is required.');
  }
  await orFailUsage(TRY_PROVIDER, async () => {
    const { stage, stack, catalogue: named } = readChoice(args);
    const stackName = stackNameOf({ stage, stack });
    const target = stackName === undefined ? await embeddedTarget() : await awsTarget(stackName);
    const file = named ?? (process.env.PROVIDER_CATALOGUE || SHIPPED_CATALOGUE);
    const { catalogue, faults } = readCatalogueFile(file, { ...placeholdersOf(process.env), ...target.placeholders });
    if (!catalogue) throw new UsageError(faults.map((fault) => `${file}:${formatFault(fault)}`).join('\n'));
    const provider = catalogue.get(id);
    if (!provider)
      throw new UsageError(`No such provider: ${id}. The catalogue has ${[...catalogue.keys()].join(', ')}.`);
    await run(provider, args.slice(1), target);
  });
};

/** Reads the options that select the provider, since its parameters become options too. */
const readChoice = (args: string[]): { stage?: string; stack?: string; catalogue?: string } => {
  const { values } = parseArgs({ args, options: { ...TRY_PROVIDER.options }, strict: false, allowPositionals: true });
  const textOf = (name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined);
  const chosen = ['stage', 'stack', 'catalogue'].map((name) => [name, textOf(name)] as const);
  return Object.fromEntries(chosen.filter(([, value]) => value !== undefined));
};

/** The deployment whose placeholders and secrets the fetch uses. */
type Target = {
  placeholders: Record<string, string>;
  findSecret: FindSecret;
  /** Variable or SSM parameter that holds a secret, for messages. */
  nameOf: (secret: string) => string;
};

const embeddedTarget = async (): Promise<Target> => {
  const running = await findRunning(process.env.DATA_DIR ?? '.data');
  const { ProvidersApiUrl } = running?.outputs ?? {};
  const secrets = { ...readLocalSecrets(readTemplate(TEMPLATE)), ...process.env };
  return {
    placeholders: ProvidersApiUrl && !process.env.PROVIDERS_API_URL ? { PROVIDERS_API_URL: ProvidersApiUrl } : {},
    findSecret: createFindSecret(new SSMClient({ region: 'us-east-1' }), '', secrets),
    nameOf: variableOf,
  };
};

const awsTarget = async (stackName: string): Promise<Target> => {
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

const run = async (provider: Provider, args: string[], { findSecret, nameOf }: Target): Promise<void> => {
  const options = { ...parameterOptions(provider, TRY_PROVIDER.options), ...TRY_PROVIDER.options };
  // The cast is wrong only about the provider's parameters, which readParameters checks.
  const command = { ...TRY_PROVIDER, options } as unknown as typeof TRY_PROVIDER;
  const { values, positionals } = readArguments(command, args);
  if (positionals.length > 0) throw new UsageError('Only one provider is allowed.');
  const parameters = readParameters(provider, values, values.parameter ?? []);
  if (!/^\d{1,6}$/.test(values.timeout)) throw new UsageError('--timeout must be a whole number of seconds');
  const timeoutMs = Number(values.timeout) * 1000;
  const print = (text: string): void => {
    if (!values.json) process.stdout.write(`${text}\n`);
  };
  let callCount = 0;
  const deps = {
    send: createNodeHttp(),
    findSecret,
    now: Date.now,
    newId: uuidv7,
    sleep,
    timeoutMs,
    onCall: (call: TracedCall) => {
      callCount += 1;
      print(describeCall(callCount, call));
    },
    onWait: (waitMs: number) => print(`   still working: next poll in ${waitMs / 1000} s`),
  };
  try {
    const trace = await traceFetch(deps, provider, parameters);
    process.stdout.write(`${values.json ? toJson(provider, trace) : describeTrace(trace, values.full)}\n`);
    if (trace.json === undefined) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof SecretMissing) || !provider.auth) throw error;
    console.error(`${error.message}: set ${nameOf(provider.auth.secret)}`);
    process.exitCode = 2;
  }
};

const describeCall = (number: number, { method, url, headers, body, ...response }: TracedCall): string => {
  const { statusCode, bytes, durationMs, failure } = response;
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

const describeTrace = ({ calls, verdict, json }: Trace, isFull: boolean): string => {
  const lines = [describeVerdict(verdict, calls)];
  if (json !== undefined) {
    const shown = isFull ? json : cutText(json, MAX_DATA_CHARACTERS);
    lines.push(shown);
    if (shown.length < json.length) lines.push(`… ${json.length - shown.length} more characters, shown with --full`);
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
      return `WORKING: not done after ${verdict.polls} polls; raise --timeout to wait longer`;
    default: {
      const { status, error, class: failureClass, statusCode, retryAfterMs, excerpt } = verdict;
      const facts = [failureClass, statusCode, retryAfterMs !== undefined && `retry after ${retryAfterMs / 1000} s`];
      const text = `${status} (${error}): ${facts.filter((fact) => fact !== undefined && fact !== false).join(', ')}`;
      return excerpt ? `${text}\n${excerpt}` : text;
    }
  }
};

/** Inserts the data verbatim, so that numbers keep all digits. */
const toJson = (provider: Provider, { json, ...trace }: Trace): string => {
  const report = JSON.stringify({ provider: provider.id, ...trace }, null, 2);
  return json === undefined ? report : `${report.slice(0, -2)},\n  "data": ${json}\n}`;
};

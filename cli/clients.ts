import { parseArgs } from 'node:util';
import { createDynamoClientAdmin } from '@boomerang/core/adapters/dynamo/clients.ts';
import {
  type CallbackHeader,
  InvalidCallbackHeaders,
  MAX_CALLBACK_HEADERS,
  parseCallbackHeaders,
} from '@boomerang/core/domain/callback-headers.ts';
import {
  type Client,
  DEFAULT_OVERLAP_MS,
  liveSecrets,
  MAX_OVERLAP_MS,
  rotateSecret,
} from '@boomerang/core/domain/client.ts';
import type { ClientAdmin } from '@boomerang/core/ports/clients.ts';
import { hashApiKey, newApiKey, newSigningSecret } from '@boomerang/core/security/credentials.ts';
import { v7 as uuidv7 } from 'uuid';
import { readHeaders } from './read-headers.ts';
import { STACK_OPTIONS, withStack } from './stack.ts';
import { UsageError } from './usage-error.ts';

/** `npm run clients`: manages the clients of a deployment. */

const HOUR_MS = 3_600_000;
const MAX_RATE_PER_SECOND = 10_000;

const USAGE = `Manages the clients of a deployment.

  npm run clients -- create --name acme             creates a client, and prints its API key and signing secret once
                     [--rate-per-second 50]         jobs a second that it may post, averaged over a minute
                     [--header … --header-file …]   callback headers, as for set-headers
                     [--operator]                   may read, redrive, cancel and delete the jobs of every client
  npm run clients -- update <client id>             sets the rate: 0 for no limit, "default" for that of the deployment;
                     --rate-per-second 50           applies within two minutes
  npm run clients -- list                           lists all clients, with the names of their callback headers
  npm run clients -- rotate-secret <client id>      creates a signing secret; callbacks are also signed with the old one
                     [--overlap-hours ${DEFAULT_OVERLAP_MS / HOUR_MS}]           for this long: 0 to ${MAX_OVERLAP_MS / HOUR_MS} hours
  npm run clients -- set-headers <client id>        replaces the headers sent with each of its callbacks
                     --header 'name: value'         one header, up to ${MAX_CALLBACK_HEADERS} times; its value stays in the shell history
                     --header-file <file>           lines of "name: value"; use - (stdin) for secret values
                     --clear                        removes all its headers; excludes the other two options
  npm run clients -- revoke <client id>             refuses its API key within a minute; its pending jobs end when next due

  --stage local|dev|prod   deployment: local (the default: the embedded cloud on DATA_DIR, running or not), or on AWS
  --stack <name>           stack on AWS that is not called boomerang-<stage>
  --json                   print JSON

DATA_DIR: data folder of the embedded cloud (.data). On AWS: credentials and region from the environment.
Exit codes: 0 success, 1 the deployment was not found or its data can't be used, 2 wrong usage.
`;

type Options = {
  name?: string;
  'overlap-hours'?: string;
  'rate-per-second'?: string;
  /** The headers of --header and --header-file, at least one; undefined without either option. */
  headers: CallbackHeader[] | undefined;
  clear?: boolean;
  operator?: boolean;
  json?: boolean;
};

/** Commands that accept --header and --header-file. */
const COMMANDS_WITH_HEADERS = ['create', 'set-headers'];

/** The output of a command: `data` for --json, `text` otherwise. */
type Report = { data: unknown; text: string };

const iso = (epochMs: number): string => new Date(epochMs).toISOString();

const commands: Record<string, (clients: ClientAdmin, id: string | undefined, options: Options) => Promise<Report>> = {
  create: async (clients, _, { name, operator = false, ...options }) => {
    const { 'rate-per-second': rate = 'default', headers: callbackHeaders } = options;
    if (!name || !/^[\w .@-]{1,64}$/.test(name)) {
      throw new UsageError('create: --name must be 1 to 64 letters, digits, spaces and . @ _ -');
    }
    const ratePerSecond = toRate('create', rate);
    const apiKey = newApiKey();
    const signingSecret = newSigningSecret();
    const clientId = uuidv7();
    await clients.put({
      clientId,
      name,
      keyHash: hashApiKey(apiKey),
      secrets: [{ secret: signingSecret }],
      createdAt: Date.now(),
      ...(ratePerSecond !== undefined && { ratePerSecond }),
      ...(callbackHeaders && { callbackHeaders }),
      ...(operator && { isOperator: true }),
    });
    const text = `Created ${operator ? 'operator' : 'client'} ${name}. Its credentials are only shown once.

  client id       ${clientId}
  API key         ${apiKey}
  signing secret  ${signingSecret}`;
    return { data: { clientId, name, apiKey, signingSecret, isOperator: operator }, text };
  },

  update: async (clients, id, { 'rate-per-second': rate }) => {
    if (rate === undefined) throw new UsageError('update: --rate-per-second is required');
    const ratePerSecond = toRate('update', rate);
    const { clientId, name } = await requireClient(clients, id);
    await clients.setRate(clientId, ratePerSecond);
    const text = `Client ${name} may post ${describeRate(ratePerSecond)}. The change applies within two minutes.`;
    return { data: { clientId, ratePerSecond: ratePerSecond ?? null }, text };
  },

  list: async (clients) => {
    const now = Date.now();
    const data = (await clients.list()).map(({ clientId, name, createdAt, revokedAt, ratePerSecond, ...client }) => ({
      clientId,
      name,
      createdAt: iso(createdAt),
      liveSecrets: liveSecrets(client, now).length,
      revokedAt: revokedAt === undefined ? null : iso(revokedAt),
      ratePerSecond: ratePerSecond ?? null,
      callbackHeaders: headerNamesOf(client),
      isOperator: client.isOperator ?? false,
    }));
    const lines = data.map(({ clientId, name, createdAt, liveSecrets: count, revokedAt, ratePerSecond, ...client }) =>
      [
        clientId.padEnd(36),
        createdAt,
        revokedAt === null ? `${count} signing secret${count === 1 ? ' ' : 's'}` : `revoked ${revokedAt}`,
        ...(ratePerSecond === null ? [] : [describeRate(ratePerSecond)]),
        ...describeHeaders(client.callbackHeaders),
        ...(client.isOperator ? ['operator'] : []),
        name,
      ].join('  '),
    );
    return { data, text: lines.length === 0 ? 'There are no clients yet.' : lines.join('\n') };
  },

  'rotate-secret': async (clients, id, { 'overlap-hours': hours = String(DEFAULT_OVERLAP_MS / HOUR_MS) }) => {
    const overlapMs = /^\d+(\.\d+)?$/.test(hours) ? Number(hours) * HOUR_MS : Number.NaN;
    if (!(overlapMs <= MAX_OVERLAP_MS)) {
      throw new UsageError(`rotate-secret: --overlap-hours must be 0 to ${MAX_OVERLAP_MS / HOUR_MS}`);
    }
    const client = await requireClient(clients, id);
    const now = Date.now();
    const signingSecret = newSigningSecret();
    await clients.replaceSecrets(client, rotateSecret(client, signingSecret, now, overlapMs));
    const text = `Client ${client.name} has a new signing secret. It is only shown once.

  signing secret  ${signingSecret}
  old secret      also signs until ${iso(now + overlapMs)}`;
    return { data: { clientId: client.clientId, signingSecret, oldSignsUntil: iso(now + overlapMs) }, text };
  },

  'set-headers': async (clients, id, { headers = [], clear = false }) => {
    if (clear === headers.length > 0) {
      throw new UsageError('set-headers: --header, --header-file or both are required, or --clear alone');
    }
    const { clientId, name } = await requireClient(clients, id);
    await clients.setCallbackHeaders(clientId, headers);
    const names = headers.map((header) => header.name);
    const described = clear ? 'no custom headers' : `only these custom headers: ${names.join(', ')}`;
    const text = `Callbacks of client ${name} will carry ${described}. The change applies within a minute.`;
    return { data: { clientId, callbackHeaders: names }, text };
  },

  revoke: async (clients, id) => {
    const { clientId, name } = await requireClient(clients, id);
    await clients.revoke(clientId, Date.now());
    const text = `Client ${name} is revoked. Its API key is refused within a minute. Its pending jobs end when next due.`;
    return { data: { clientId, revoked: true }, text };
  },
};

/** @returns undefined for the deployment's default */
const toRate = (command: string, text: string): number | undefined => {
  if (text === 'default') return undefined;
  const rate = /^\d{1,5}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(rate <= MAX_RATE_PER_SECOND)) {
    throw new UsageError(`${command}: --rate-per-second must be 0 to ${MAX_RATE_PER_SECOND}, or default`);
  }
  return rate;
};

const describeRate = (ratePerSecond: number | undefined): string => {
  if (ratePerSecond === undefined) return 'jobs at the default rate of the deployment';
  return ratePerSecond === 0 ? 'jobs without a limit' : `${ratePerSecond} jobs a second`;
};

/** Header names; values are never shown. Null if the stored headers are invalid. */
const headerNamesOf = ({ callbackHeaders }: Pick<Client, 'callbackHeaders'>): string[] | null => {
  try {
    return parseCallbackHeaders(callbackHeaders).map(({ name }) => name);
  } catch (error) {
    if (!(error instanceof InvalidCallbackHeaders)) throw error;
    return null;
  }
};

const describeHeaders = (names: string[] | null): string[] => {
  if (names === null) return ['callback headers are invalid: set them again'];
  return names.length === 0 ? [] : [`callbacks with ${names.join(', ')}`];
};

const requireClient = async (clients: ClientAdmin, id: string | undefined): Promise<Client> => {
  if (id === undefined) throw new UsageError('A client id is required. The command list shows the ids.');
  const client = await clients.get(id);
  if (!client) throw new UsageError(`No such client: ${id}`);
  return client;
};

const readCommandLine = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        name: { type: 'string' },
        'overlap-hours': { type: 'string' },
        'rate-per-second': { type: 'string' },
        header: { type: 'string', multiple: true },
        'header-file': { type: 'string' },
        clear: { type: 'boolean', default: false },
        operator: { type: 'boolean', default: false },
        ...STACK_OPTIONS,
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`);
  }
};

const run = async (): Promise<void> => {
  const { values, positionals } = readCommandLine();
  const [commandName, id, ...rest] = positionals;
  if (values.help) return void process.stdout.write(USAGE);
  if (commandName === undefined) throw new UsageError(`A command is required.\n\n${USAGE}`);
  const command = Object.hasOwn(commands, commandName) ? commands[commandName] : undefined;
  if (!command) throw new UsageError(`No such command: ${commandName}\n\n${USAGE}`);
  // The arguments are not printed: after an unquoted header, one of them is its secret value.
  if (rest.length > 0) throw new UsageError(`Too many arguments. Values with spaces must be quoted.\n\n${USAGE}`);
  const hasHeaderOptions = values.header !== undefined || values['header-file'] !== undefined;
  if (hasHeaderOptions && !COMMANDS_WITH_HEADERS.includes(commandName))
    throw new UsageError(`${commandName}: --header and --header-file are not allowed`);
  if (values.operator && commandName !== 'create')
    throw new UsageError(
      `${commandName}: --operator is not allowed. Only create accepts it; to remove an operator, revoke the client.`,
    );
  const headers = await readHeaders(commandName, values);
  await withStack(values, async (stack) => {
    const tableName = stack.outputs.ClientTableName ?? '';
    const clients = createDynamoClientAdmin({ client: stack.database, tableName });
    const { data, text } = await command(clients, id, { ...values, headers });
    process.stdout.write(`${values.json ? JSON.stringify(data, null, 2) : text}\n`);
  });
};

try {
  await run();
} catch (error) {
  const { name, message } = error as Error;
  const isKnown = ['UsageError', 'StackNotFound', 'DataFolderError', 'StaleClient'].includes(name);
  console.error(isKnown ? message : error);
  process.exitCode = name === 'UsageError' ? 2 : 1;
}

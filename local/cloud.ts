import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SSMClient } from '@aws-sdk/client-ssm';
import { decorateClients } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoClientAdmin } from '@boomerang/core/adapters/dynamo/clients.ts';
import { readCatalogue } from '@boomerang/core/adapters/file-catalogue.ts';
import { readOffers } from '@boomerang/core/adapters/file-offers.ts';
import { createFindSecret } from '@boomerang/core/adapters/secrets.ts';
import type { Offers } from '@boomerang/core/domain/catalogue/offers.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { newAccess, setAccess } from './access.ts';
import { type HttpApi, type HttpApiConfig, type Route, startHttpApi } from './api-gateway.ts';
import { ensureTables, startDatabase } from './dynamodb.ts';
import { createEventBus, serveEventBus } from './event-bridge.ts';
import { freeLeases } from './free-leases.ts';
import { inProcessClients } from './in-process-clients.ts';
import { type FunctionConfig, functionArn, loadFunctions, logicalIdOf, stateMachineArn } from './lambda.ts';
import { ensureLocalClient, type LocalClient } from './local-client.ts';
import { readLocalSecrets } from './local-secrets.ts';
import { announceRunning, clientOf, type Running } from './running.ts';
import { rateSeconds, startSchedule } from './schedule.ts';
import type { LocalSettings } from './settings.ts';
import { startStepFunctions } from './step-functions.ts';
import { createResolver, readTemplate, resourcesOf } from './template.ts';
import { findUnsetSecrets, type UnsetSecret } from './unset-secrets.ts';

export type Cloud = Running & {
  client: LocalClient;
  /** Whether sweeps run more often than on AWS. */
  isSweptMoreOften: boolean;
  /** The provider catalogue, as callers see it. */
  offers: Offers;
  /** Credentials named in the provider catalogue that are not set. */
  unsetSecrets: UnsetSecret[];
  /** Stops the cloud. Executions get three seconds to end. Jobs of executions that take longer are due again at the next start. */
  stop: () => Promise<void>;
};

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const JOB_TABLE = 'JobTable';
const CLIENT_TABLE = 'ClientTable';
const STATE_MACHINE = 'ProcessPendingStateMachine';
/** A function with one of these variables uses a table. */
const TABLE_VARIABLES = ['JOB_TABLE_NAME', 'CLIENT_TABLE_NAME'];
const GRACE_MS = 3_000;
/** Default of SWEEP_SECONDS. Shorter than on AWS: locally a sweep costs nothing, and a developer may be waiting. */
const SWEEP_SECONDS = 5;

type FunctionProperties = {
  CodeUri: string;
  Timeout?: number;
  MemorySize?: number;
  Layers?: string[];
  Environment?: { Variables: Record<string, unknown> };
  Events?: Record<string, { Type: string; Properties: { ApiId: string; Method: string; Path: string } }>;
};

/** Runs the template in this process: its APIs, functions, tables, state machine and schedule. */
export const startCloud = async (settings: LocalSettings): Promise<Cloud> => {
  const log = createLog('embedded-cloud');
  const template = readTemplate(path.join(ROOT, 'template.yaml'));
  const access = newAccess();
  // Functions must never sign with keys of a real account.
  setAccess(process.env, access);
  // Functions look secrets up at each call, when their own environment is no longer set, so secrets must be in process.env.
  for (const [name, secret] of Object.entries(readLocalSecrets(template))) process.env[name] ??= secret;
  const database = await startDatabase(settings.DATA_DIR, access, log);
  const apis = new Map<string, HttpApi>();
  const closeAll = async () => {
    await Promise.all([...apis.values()].map((api) => api.close()));
    await database.close();
  };

  try {
    const resolve = createResolver(template, {
      parameters: { Stage: 'local', 'AWS::StackName': 'boomerang-local', CorsOrigins: settings.CORS_ORIGINS },
      ref: (logicalId) => (logicalId === STATE_MACHINE ? stateMachineArn(logicalId) : logicalId),
      getAtt: (logicalId, attribute) =>
        attribute === 'ApiEndpoint' ? (apis.get(logicalId)?.url ?? '') : functionArn(logicalId),
    });
    const properties = <T>(logicalId: string) => resolve(template.Resources[logicalId]?.Properties) as T;

    const tableFunctions = new Set<string>();
    const ports: Record<string, number> = { ServiceApi: settings.SERVICE_PORT, ProvidersApi: settings.PROVIDERS_PORT };
    for (const [logicalId] of resourcesOf(template, 'AWS::Serverless::HttpApi')) {
      const { StageVariables = {}, CorsConfiguration } = properties<{
        StageVariables?: Record<string, string>;
        CorsConfiguration?: HttpApiConfig['cors'];
      }>(logicalId);
      const config = {
        logicalId,
        port: ports[logicalId] ?? 0,
        stageVariables: StageVariables,
        cors: CorsConfiguration,
        isAvailable: (functionId: string) => database.isReachable() || !tableFunctions.has(functionId),
        // The mock providers only wait, which costs nothing, so they need no limit.
        maxConcurrent: logicalId === 'ServiceApi' ? settings.MAX_CONCURRENT_REQUESTS : Number.POSITIVE_INFINITY,
      };
      apis.set(logicalId, await startHttpApi(config, log));
    }

    const databaseClient = clientOf(database.url, access);
    await ensureTables(databaseClient, template);

    const layers = new Map(
      resourcesOf(template, 'AWS::Serverless::LayerVersion').map(([logicalId, { Properties }]) => [
        logicalId,
        path.join(ROOT, String(Properties?.ContentUri)),
      ]),
    );
    const globals = resolve(template.Globals.Function) as FunctionProperties;
    const functions = resourcesOf(template, 'AWS::Serverless::Function').map(
      ([logicalId]): FunctionConfig & { events: FunctionProperties['Events'] } => {
        const declared = properties<FunctionProperties>(logicalId);
        const variables = { ...globals.Environment?.Variables, ...declared.Environment?.Variables };
        const layer = layers.get(declared.Layers?.[0] ?? '') ?? '/opt';
        return {
          logicalId,
          codeUri: declared.CodeUri,
          timeoutSeconds: declared.Timeout ?? globals.Timeout ?? 3,
          memoryMb: declared.MemorySize ?? globals.MemorySize ?? 128,
          events: declared.Events,
          environment: Object.fromEntries(
            Object.entries(variables).map(([name, value]) => [
              name,
              settings.functionEnvironment[name] ?? String(value).replace(/^\/opt(?=\/)/, layer),
            ]),
          ),
        };
      },
    );

    for (const { logicalId, codeUri, environment } of functions) {
      // The health route, too, answers 503 while the table is down.
      const isHealth = codeUri.endsWith('/health');
      if (isHealth || TABLE_VARIABLES.some((name) => name in environment)) tableFunctions.add(logicalId);
    }

    const machine = properties<{
      DefinitionUri: string;
      DefinitionSubstitutions: Record<string, string>;
      Events: { Sweep: { Properties: { ScheduleExpression: string } } };
    }>(STATE_MACHINE);
    // Circular dependency: the engine invokes the functions, and the functions need its address when they load.
    let lambda: Awaited<ReturnType<typeof loadFunctions>> | undefined;
    const stepFunctions = await startStepFunctions(
      {
        arn: stateMachineArn(STATE_MACHINE),
        definitionPath: path.join(ROOT, machine.DefinitionUri),
        substitutions: machine.DefinitionSubstitutions,
      },
      {
        invoke: async (logicalId, event) => {
          if (!lambda) throw new Error('functions are not loaded yet');
          return lambda.invoke(logicalId, event);
        },
      },
      access,
      log,
    );
    const eventBus = createEventBus(log);
    const eventBridge = await serveEventBus(eventBus, access);
    decorateClients(inProcessClients({ database: database.service, stepFunctions: stepFunctions.service, eventBus }));
    // For calls that the in-process clients do not handle.
    const endpoints = {
      AWS_ENDPOINT_URL_DYNAMODB: database.url,
      AWS_ENDPOINT_URL_SFN: stepFunctions.url,
      AWS_ENDPOINT_URL_EVENTBRIDGE: eventBridge.url,
    };
    Object.assign(process.env, endpoints);
    lambda = await loadFunctions(
      ROOT,
      functions.map((config) => ({ ...config, environment: { ...config.environment, ...endpoints } })),
    );

    const clients = createDynamoClientAdmin({ client: databaseClient, tableName: CLIENT_TABLE });
    const fixed = { apiKey: settings.LOCAL_API_KEY, signingSecret: settings.LOCAL_SIGNING_SECRET };
    const client = await ensureLocalClient(clients, settings.DATA_DIR, fixed, Date.now());

    const freed = await freeLeases(databaseClient, JOB_TABLE, shardCountOf(functions));
    if (freed > 0) log.info('Leases of the previous run released', { freed });

    // Executions that could not write their outcome during an outage leave jobs leased. Release these leases early, but not
    // those of executions started since: they end later.
    database.onRecovered(() => {
      const leasesEndBy = Date.now() + leaseMsOf(functions);
      void stepFunctions
        .currentSettled()
        .then(() => freeLeases(databaseClient, JOB_TABLE, shardCountOf(functions), leasesEndBy))
        .then((count) => count > 0 && log.info('Leases of the outage released', { freed: count }))
        .catch((error: unknown) => log.warn('Leases of the outage not released', { error }));
    });

    for (const [logicalId, api] of apis) api.connect(routesOf(logicalId, functions), lambda);
    const unset = await unsetSecretsOf(functions);
    for (const secret of unset) log.warn('Provider credential not set', secret);

    const templateSeconds = rateSeconds(machine.Events.Sweep.Properties.ScheduleExpression);
    const everySeconds = settings.SWEEP_SECONDS ?? Math.min(SWEEP_SECONDS, templateSeconds);
    const since = new Date().toISOString();
    const stopSchedule = startSchedule(everySeconds, () => {
      // A sweep would fail without the table.
      if (database.isReachable()) stepFunctions.start({});
    });

    const running: Running = {
      outputs: Object.fromEntries(
        Object.entries(template.Outputs).map(([name, { Value }]) => [name, String(resolve(Value))]),
      ),
      endpoints: { dynamodb: database.url, stepFunctions: stepFunctions.url },
      access,
      apiKey: client.apiKey,
      sweeps: { since, everySeconds },
    };
    const withdraw = announceRunning(settings.DATA_DIR, running);

    return {
      ...running,
      client,
      isSweptMoreOften: everySeconds < templateSeconds,
      offers: offersOf(functions),
      unsetSecrets: unset,
      stop: async () => {
        withdraw();
        stopSchedule();
        await Promise.all([...apis].filter(([id]) => id === 'ServiceApi').map(([, api]) => api.close()));
        await Promise.race([stepFunctions.settled(), new Promise((done) => setTimeout(done, GRACE_MS))]);
        await Promise.all([stepFunctions.close(), eventBridge.close()]);
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
};

const routesOf = (apiId: string, functions: { logicalId: string; events: FunctionProperties['Events'] }[]): Route[] =>
  functions.flatMap(({ logicalId, events = {} }) =>
    Object.values(events)
      .filter(({ Type, Properties }) => Type === 'HttpApi' && logicalIdOf(Properties.ApiId) === apiId)
      .map(({ Properties: { Method, Path } }) => ({ method: Method, path: Path, functionId: logicalId })),
  );

const offersOf = (functions: FunctionConfig[]): Offers => {
  const { environment } = functions.find(({ codeUri }) => codeUri.includes('webhook')) ?? {};
  return environment?.PROVIDER_CATALOGUE === undefined ? new Map() : readOffers(environment.PROVIDER_CATALOGUE);
};

/** Finds the provider credentials that the functions lack, so that the start can warn before a job needs one. */
const unsetSecretsOf = async (functions: FunctionConfig[]): Promise<UnsetSecret[]> => {
  const { environment } = functions.find(({ codeUri }) => codeUri.includes('provider-fetch')) ?? {};
  const { PROVIDER_CATALOGUE, PROVIDERS_API_URL, SECRETS_PATH } = environment ?? {};
  if (PROVIDER_CATALOGUE === undefined || SECRETS_PATH !== '') return [];
  const catalogue = readCatalogue(PROVIDER_CATALOGUE, { PROVIDERS_API_URL });
  return findUnsetSecrets(catalogue, createFindSecret(new SSMClient(), SECRETS_PATH, process.env));
};

const leaseMsOf = (functions: FunctionConfig[]): number =>
  1000 * Math.min(...functions.map(({ environment }) => Number(environment.LEASE_SECONDS ?? Number.POSITIVE_INFINITY)));

const shardCountOf = (functions: FunctionConfig[]): number =>
  Math.max(...functions.map(({ environment }) => Number(environment.SHARD_COUNT ?? 1)));

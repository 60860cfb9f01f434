import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readSettings, type settings } from '@boomerang/core/config/settings.ts';
import { ROUTES } from '@boomerang/core/http/routes.ts';
import { describe, expect, test } from '@jest/globals';
import { createResolver, type Resource, readTemplate, resourcesOf } from '../../local/template.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

const template = readTemplate(`${root}template.yaml`);
const definition = JSON.parse(read('statemachine/process-pending.asl.json')) as { TimeoutSeconds: number };
const resources = Object.entries(template.Resources);
const folders = readdirSync(`${root}functions`).sort();

type HttpEvent = { Type: string; Properties: { ApiId: { Ref: string }; Method: string; Path: string } };
type FunctionProperties = {
  CodeUri: string;
  LoggingConfig: { LogGroup: { Ref: string } };
  Environment?: { Variables: Record<string, unknown> };
  Layers?: unknown[];
  Policies?: unknown[];
  Events?: Record<string, HttpEvent>;
};
type Statement = { Effect: string; Action: string | string[]; Resource?: unknown };

const propertiesOf = (logicalId: string) => template.Resources[logicalId]?.Properties;
const functionOf = (stem: string) => propertiesOf(`${stem}Function`) as FunctionProperties;
const functions = resourcesOf(template, 'AWS::Serverless::Function').map(
  ([logicalId, { Properties }]) => [logicalId, Properties as FunctionProperties] as const,
);

/** `job-claim` → `JobClaim`: what the logical ids of a function begin with. */
const stemOf = (folder: string): string => folder.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Every object inside a part of the template, itself included. */
const objectsIn = (value: unknown): Record<string, unknown>[] => {
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.values(value).flatMap(objectsIn);
  return Array.isArray(value) ? inside : [value as Record<string, unknown>, ...inside];
};

const statementsOf = ({ Properties }: Resource): Statement[] =>
  objectsIn(Properties).filter(
    (part): part is Statement & Record<string, unknown> => 'Effect' in part && 'Action' in part,
  );

/** The settings that a function's `config.ts` names; none where there is no such file. */
const settingsOf = (folder: string): (keyof typeof settings)[] => {
  if (!readdirSync(`${root}functions/${folder}`).includes('config.ts')) return [];
  const list = /readSettings\(\s*\[([^\]]*)\]/.exec(read(`functions/${folder}/config.ts`))?.[1] ?? '';
  return [...list.matchAll(/'(\w+)'/g)].map(([, name]) => name as keyof typeof settings);
};

describe('one stem', () => {
  test('names every function after its folder, and no other', () => {
    expect(functions.map(([logicalId]) => logicalId).sort()).toEqual(
      folders.map((folder) => `${stemOf(folder)}Function`).sort(),
    );
  });

  test.each(folders)('%s has its code, and a log group of its own', (folder) => {
    const { CodeUri, LoggingConfig } = functionOf(stemOf(folder));
    expect(CodeUri).toBe(`functions/${folder}`);
    expect(readdirSync(`${root}${CodeUri}`)).toContain('handler.ts');
    // With a package.json there, SAM would not bundle the function in place, and its imports would not resolve.
    expect(readdirSync(`${root}${CodeUri}`)).not.toContain('package.json');
    const logGroup = `${stemOf(folder)}LogGroup`;
    expect(LoggingConfig.LogGroup).toEqual({ Ref: logGroup });
    expect(template.Resources[logGroup]?.Type).toBe('AWS::Logs::LogGroup');
  });

  test('leaves no log group without its function or state machine, and none that keeps logs for ever', () => {
    for (const [logicalId, { Properties }] of resourcesOf(template, 'AWS::Logs::LogGroup')) {
      const stem = logicalId.replace(/LogGroup$/, '');
      expect([`${stem}Function`, `${stem}StateMachine`].filter((owner) => propertiesOf(owner))).toHaveLength(1);
      expect(Properties).toHaveProperty('RetentionInDays');
    }
  });

  test('names what the state machine is given, and its role may invoke just that', () => {
    const { DefinitionSubstitutions } = propertiesOf('ProcessPendingStateMachine') as {
      DefinitionSubstitutions: Record<string, { 'Fn::GetAtt': string }>;
    };
    for (const [name, value] of Object.entries(DefinitionSubstitutions)) {
      const logicalId = name.replace(/Arn$/, '');
      expect(functions.map(([id]) => id)).toContain(logicalId);
      expect(value).toEqual({ 'Fn::GetAtt': `${logicalId}.Arn` });
    }
    const invoke = statementsOf(template.Resources.ProcessPendingRole as Resource).filter(({ Action }) =>
      [Action].flat().includes('lambda:InvokeFunction'),
    );
    expect(invoke.flatMap(({ Resource }) => Resource)).toEqual(Object.values(DefinitionSubstitutions));
  });

  test('ends logical ids in their kind', () => {
    for (const [logicalId, { Type }] of resources) {
      const kind = Type.split('::').at(-1) as string;
      const names: Record<string, string> = { HttpApi: 'Api', LayerVersion: 'Layer', RolePolicy: 'Policy' };
      expect([logicalId, logicalId.endsWith(names[kind] ?? kind)]).toEqual([logicalId, true]);
    }
  });
});

describe('functions', () => {
  test('run on the Node and the processor that Globals name', () => {
    expect(template.Globals.Function).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] });
    for (const [, properties] of functions) {
      expect(properties).not.toHaveProperty('Runtime');
      expect(properties).not.toHaveProperty('Architectures');
    }
    const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: { node: string } };
    expect(devDependencies.node).toMatch(/^24\./);
  });

  test.each(folders)('%s has the environment that its config reads, and no more', (folder) => {
    const { Environment } = functionOf(stemOf(folder));
    expect(Object.keys(Environment?.Variables ?? {}).sort()).toEqual(settingsOf(folder).sort());
  });

  test.each(folders)('%s reads the environment in its config alone', (folder) => {
    for (const file of readdirSync(`${root}functions/${folder}`)) {
      if (file !== 'config.ts') expect(read(`functions/${folder}/${file}`)).not.toContain('process.env');
    }
  });

  test.each(folders)('%s takes the defaults of the parameters, at every stage', (folder) => {
    for (const Stage of Object.keys(template.Mappings.Stages ?? {})) {
      const resolve = createResolver(template, {
        parameters: { Stage },
        ref: (logicalId) => logicalId,
        getAtt: (logicalId) => `https://${logicalId.toLowerCase()}.example.com`,
      });
      const variables = resolve(functionOf(stemOf(folder)).Environment?.Variables ?? {}) as Record<string, unknown>;
      const environment = Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)]));
      expect(() => readSettings(settingsOf(folder), environment)).not.toThrow();
    }
  });

  test.each(folders)('%s has the catalogue just when it reads it', (folder) => {
    const layers = settingsOf(folder).includes('PROVIDER_CATALOGUE') ? [{ Ref: 'ProviderCatalogueLayer' }] : undefined;
    expect(functionOf(stemOf(folder)).Layers).toEqual(layers);
  });
});

describe('routes', () => {
  const eventsOf = (api: string) =>
    functions
      .flatMap(([, { Events = {} }]) => Object.values(Events))
      .filter(({ Type, Properties }) => Type === 'HttpApi' && Properties.ApiId.Ref === api)
      .map(({ Properties }) => Properties);

  test.each([
    ['service', 'ServiceApi'],
    ['providers', 'ProvidersApi'],
  ] as const)('of the %s API are those that 405 answers are made from, and a fallback', (name, api) => {
    const routes = eventsOf(api).map(({ Method, Path }) => `${Method} ${Path}`);
    expect(routes.sort()).toEqual([...ROUTES[name], 'ANY $default'].sort());
    // By this variable the fallback knows which API was called.
    expect(propertiesOf(api)?.StageVariables).toEqual({ api: name });
  });

  test('belong to one of the two APIs', () => {
    const events = functions.flatMap(([, { Events = {} }]) => Object.values(Events));
    expect(events).toHaveLength(eventsOf('ServiceApi').length + eventsOf('ProvidersApi').length);
  });

  test('are told in the outputs, and so is the base URL of each API', () => {
    const values = Object.values(template.Outputs).map(({ Value }) => Value);
    for (const [api, routes] of [
      ['ServiceApi', ROUTES.service],
      ['ProvidersApi', ROUTES.providers],
    ] as const) {
      expect(values).toContainEqual({ 'Fn::GetAtt': `${api}.ApiEndpoint` });
      for (const route of routes) {
        const path = `/${route.split('/')[1]}`;
        expect(values).toContainEqual({ 'Fn::Sub': `\${${api}.ApiEndpoint}${path}` });
      }
    }
  });
});

describe('permissions', () => {
  test('are written as statements, never as managed policies', () => {
    for (const [, { Policies = [] }] of functions) {
      for (const policy of Policies) expect(policy).toHaveProperty('Statement');
    }
    expect(read('template.yaml')).not.toMatch(/ManagedPolicyArns|arn:aws:iam::aws:policy/);
  });

  test('name each action and each resource, but for log delivery', () => {
    const open = resources.flatMap(([logicalId, resource]) =>
      statementsOf(resource).flatMap(({ Action, Resource: target }) => {
        const actions = [Action].flat();
        for (const action of actions) expect(action).not.toContain('*');
        return JSON.stringify(target ?? '').includes('*') ? [{ logicalId, actions }] : [];
      }),
    );
    expect(open.map(({ logicalId }) => logicalId)).toEqual(['ProcessPendingRole']);
    for (const action of open[0]?.actions ?? []) expect(action).toMatch(/^logs:/);
  });
});

describe('resources', () => {
  test('have no physical names, but for the log group whose prefix AWS asks for', () => {
    const named = resources.flatMap(([logicalId, { Type, Properties = {} }]) =>
      Object.keys(Properties)
        .filter((key) => /Name$/.test(key) && key !== 'MetricName' && !Type.startsWith('AWS::IAM::RolePolicy'))
        .map((key) => `${logicalId}.${key}`),
    );
    expect(named).toEqual(['ProcessPendingLogGroup.LogGroupName']);
    expect(propertiesOf('ProcessPendingLogGroup')?.LogGroupName).toEqual({
      'Fn::Sub': expect.stringMatching(/^\/aws\/vendedlogs\/states\/\$\{AWS::StackName\}/),
    });
  });

  test('leave the name of the schedule to CloudFormation', () => {
    expect(propertiesOf('ProcessPendingStateMachine')?.Events).toMatchObject({
      Sweep: { Type: 'ScheduleV2', Properties: { OmitName: true, RetryPolicy: { MaximumRetryAttempts: 2 } } },
    });
  });

  test('keep the jobs: encrypted, restorable, and still there when the stack is gone', () => {
    expect(template.Resources.JobTable).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      },
    });
  });
});

describe('the lease', () => {
  const { MinValue, Default } = template.Parameters.LeaseSeconds as unknown as { MinValue: number; Default: number };

  test('outlives an execution one and a half times, whatever the parameter', () => {
    expect(MinValue).toBe(1.5 * definition.TimeoutSeconds);
    expect(Default).toBeGreaterThanOrEqual(MinValue);
  });

  test('has one minimum, in the template and in the functions', () => {
    const take = (seconds: number) => () => readSettings(['LEASE_SECONDS'], { LEASE_SECONDS: String(seconds) });
    expect(take(MinValue)).not.toThrow();
    expect(take(MinValue - 1)).toThrow('LEASE_SECONDS');
  });
});

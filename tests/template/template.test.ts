import { readdirSync, readFileSync } from 'node:fs';
import { variableOf } from '@boomerang/core/adapters/secrets.ts';
import { ROUTES } from '@boomerang/core/http/routes.ts';
import { describe, expect, test } from '@jest/globals';
import { readLocalSecrets } from '../../local/local-secrets.ts';
import { createResolver, type HttpApiEvent, readTemplate, resourcesOf, routeKeyOf } from '../../local/template.ts';
import { FUNCTION_SETTINGS } from '../function-settings.ts';

const template = readTemplate('template.yaml');
const text = readFileSync('template.yaml', 'utf8');
const functions = resourcesOf(template, 'AWS::Serverless::Function').map(([logicalId, { Properties }]) => ({
  logicalId,
  stem: String(Properties?.CodeUri).replace('functions/', ''),
  properties: Properties as {
    LoggingConfig: unknown;
    Environment?: { Variables: Record<string, unknown> };
    Events?: Record<string, HttpApiEvent>;
  },
}));

const localSecrets = readLocalSecrets(template);

const variablesReadBy = (stem: string): string[] => {
  const source = readFileSync(`functions/${stem}/handler.ts`, 'utf8');
  const [, names = ''] = /\breadSettings\(\s*\[([^\]]*)\]/.exec(source) ?? [];
  return [...names.matchAll(/'([A-Z][A-Z_]+)'/g)].map(([, name = '']) => name);
};

const STACK_UUID = '01a20b4c-cf47-716b-85d8-5343742576b8';

const resolverOf = (Stage: string) =>
  createResolver(template, {
    parameters: {
      Stage,
      'AWS::StackName': 'stack',
      'AWS::StackId': `arn:aws:cloudformation:us-east-1:123456789012:stack/stack/${STACK_UUID}`,
    },
    ref: (id) => id,
    getAtt: (id) => id,
  });

const toPascalCase = (stem: string): string =>
  stem.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());

describe('the template', () => {
  test('has one function for each folder in functions/', () => {
    const folders = readdirSync('functions');
    const stems = functions.map(({ stem }) => stem);
    const missing = folders.filter((name) => !stems.includes(name));
    expect(missing.map((name) => `template.yaml has no function for ${name}`)).toEqual([]);
    expect(stems.sort()).toEqual(folders.sort());
  });

  test.each(functions)(
    'names $logicalId, its log group and its folder after the same stem',
    ({ logicalId, stem, properties }) => {
      expect(logicalId).toBe(`${toPascalCase(stem)}Function`);
      expect(properties.LoggingConfig).toEqual({ LogGroup: { Ref: `${toPascalCase(stem)}LogGroup` } });
      expect(template.Resources[`${toPascalCase(stem)}LogGroup`]?.Type).toBe('AWS::Logs::LogGroup');
    },
  );

  test.each(functions)('gives $logicalId exactly the variables that it reads', ({ logicalId, stem, properties }) => {
    const read = variablesReadBy(stem);
    const secrets = read.includes('SECRETS_PATH') ? Object.keys(localSecrets) : [];
    const defined = Object.keys(properties.Environment?.Variables ?? {});
    expect([
      ...read.filter((name) => !defined.includes(name)).map((name) => `template.yaml: ${logicalId} lacks ${name}`),
      ...defined
        .filter((name) => !read.includes(name) && !secrets.includes(name))
        .map((name) => `template.yaml: ${logicalId} sets ${name}, which functions/${stem}/handler.ts does not read`),
    ]).toEqual([]);
  });

  test.each(['dev', 'prod'])('puts no secret in the environment on stage %s: functions read SSM', (Stage) => {
    const resolve = resolverOf(Stage);
    for (const { stem, properties } of functions.filter(({ stem }) => variablesReadBy(stem).includes('SECRETS_PATH'))) {
      const variables = resolve(properties.Environment?.Variables) as Record<string, string>;
      expect([stem, variables.SECRETS_PATH]).toEqual([stem, expect.stringMatching(/^\/stack\/\w+$/)]);
      for (const name of Object.keys(localSecrets)) expect([stem, variables[name] ?? '']).toEqual([stem, '']);
    }
  });

  describe('gives the mock reports provider the secret that provider-fetch reads', () => {
    const variablesOf = (logicalId: string, Stage: string) =>
      resolverOf(Stage)(
        functions.find((candidate) => candidate.logicalId === logicalId)?.properties.Environment?.Variables,
      ) as Record<string, string>;
    const parameter = template.Resources.ReportsClientSecretParameter;

    test('from the environment on the local stage, which has no SSM', () => {
      const { SECRETS_PATH, REPORTS_CLIENT_SECRET } = variablesOf('ProviderFetchFunction', 'local');
      expect([SECRETS_PATH, { REPORTS_CLIENT_SECRET }]).toEqual(['', localSecrets]);
      expect(variablesOf('ProvidersFunction', 'local')).toMatchObject(localSecrets);
      expect(FUNCTION_SETTINGS).toMatchObject(localSecrets);
      expect(resolverOf('local')(template.Conditions[parameter?.Condition ?? ''])).toBe(false);
    });

    test.each(['dev', 'prod'])('from SSM on stage %s, where it is the UUID of the stack id', (Stage) => {
      const resolve = resolverOf(Stage);
      const { SECRETS_PATH } = variablesOf('ProviderFetchFunction', Stage);
      expect(resolve(template.Conditions[parameter?.Condition ?? ''])).toBe(true);
      expect(resolve(parameter?.Properties)).toMatchObject({
        Name: `${SECRETS_PATH}/reports-client-secret`,
        Type: 'String',
        Value: STACK_UUID,
      });
      expect(variableOf('reports-client-secret')).toBe('REPORTS_CLIENT_SECRET');
      expect(variablesOf('ProvidersFunction', Stage).REPORTS_CLIENT_SECRET).toBe(STACK_UUID);
    });
  });

  test('has exactly the routes of ROUTES, and a fallback', () => {
    for (const [api, logicalId] of [
      ['service', 'ServiceApi'],
      ['providers', 'ProvidersApi'],
    ] as const) {
      const events = functions.flatMap(({ properties }) => Object.values(properties.Events ?? {}));
      const apiEvents = events.filter(({ Properties }) => Properties.ApiId.Ref === logicalId);
      const routes = apiEvents.map((event) => routeKeyOf(event.Properties));
      expect([
        ...['$default', ...ROUTES[api]]
          .filter((route) => !routes.includes(route))
          .map((route) => `template.yaml has no event ${route}`),
        ...routes
          .filter((route) => route !== '$default' && !ROUTES[api].some((known) => known === route))
          .map((route) => `packages/core/http/routes.ts: ROUTES.${api} lacks ${route}`),
      ]).toEqual([]);
      expect(routes).toHaveLength(ROUTES[api].length + 1);
    }
  });

  test('substitutes each function ARN under the name of its function', () => {
    const substitutions = template.Resources.ProcessPendingStateMachine?.Properties?.DefinitionSubstitutions ?? {};
    expect(substitutions).not.toEqual({});
    for (const [name, value] of Object.entries(substitutions)) {
      expect([name, value]).toEqual([name, { 'Fn::GetAtt': name.replace(/Arn$/, '.Arn') }]);
    }
  });

  test('allows no wildcard action, and wildcard resources only for log delivery and tracing', () => {
    expect(text).not.toMatch(/Action:.*\*/);
    expect(text.match(/Resource: ['"]\*['"]/g)).toHaveLength(2);
    expect(text).toMatch(/xray:GetSamplingTargets\n\s+Resource: ['"]\*['"]/);
    expect(text).toMatch(/logs:DescribeLogGroups\n\s+Resource: ['"]\*['"]/);
  });

  test('sets physical names only for the log groups that need a prefix', () => {
    const named = Object.entries(template.Resources).filter(([, { Properties = {} }]) =>
      ['TableName', 'FunctionName', 'QueueName', 'RoleName', 'LogGroupName', 'StateMachineName', 'Name'].some(
        (name) => name in Properties && typeof Properties[name] !== 'object',
      ),
    );
    expect(named.map(([logicalId]) => logicalId)).toEqual([]);
    const logGroups = [...text.matchAll(/LogGroupName: (!Sub .*)/g)].map(([, name]) => name);
    expect(logGroups).toHaveLength(3);
    expect(text.match(/LogGroupName: (?!!Sub|!Ref)/g)).toBeNull();
    for (const name of logGroups) expect(name).toMatch(/^!Sub \/aws\/vendedlogs\/.*\$\{AWS::StackName\}/);
  });

  test.each([
    ['prod', true],
    ['dev', false],
    ['local', false],
  ])('on stage %s, sets the deletion protection of the tables to %s', (stage, isProtected) => {
    const resolve = createResolver(template, { parameters: { Stage: stage }, ref: (id) => id, getAtt: (id) => id });
    const tables = resourcesOf(template, 'AWS::DynamoDB::Table');
    expect(tables).toHaveLength(2);
    for (const [, { Properties }] of tables) expect(resolve(Properties?.DeletionProtectionEnabled)).toBe(isProtected);
  });

  test('writes an access log for each API, without fields that callers control', () => {
    const apis = resourcesOf(template, 'AWS::Serverless::HttpApi');
    expect(apis).toHaveLength(2);
    const resolve = createResolver(template, {
      parameters: { 'AWS::StackName': 'stack' },
      ref: (id) => id,
      getAtt: (id) => id,
    });
    const groups = apis.map(([, { Properties = {} }]) => {
      const settings = resolve(Properties.AccessLogSettings) as { DestinationArn: string; Format: string };
      const { DestinationArn, Format } = settings;
      const line = JSON.parse(Format) as Record<string, string>;
      expect(Format).not.toContain('\n');
      const { service, ...values } = line;
      expect(service).toBe('stack');
      for (const value of Object.values(values)) expect(value).toMatch(/^\$context\.[\w.]+$/);
      expect(Object.values(line)).toEqual(expect.arrayContaining(['$context.requestId', '$context.status']));
      // Callers control these fields: they may hold a token, an API key, or a quote that breaks the JSON line.
      expect(Format).not.toMatch(/path|query|header|authorizer|userAgent|httpMethod/i);
      return DestinationArn;
    });
    expect(new Set(groups).size).toBe(2);
    for (const group of groups) {
      expect(template.Resources[group]?.Properties?.RetentionInDays).toEqual({ Ref: 'LogRetentionDays' });
    }
  });

  test('outputs the URLs of both APIs and their main routes', () => {
    expect(Object.keys(template.Outputs)).toEqual(
      expect.arrayContaining([
        'ServiceApiUrl',
        'WebhookUrl',
        'JobsUrl',
        'CompleteUrl',
        'ProvidersApiUrl',
        'ProvidersUrl',
      ]),
    );
  });
});

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

const pascal = (stem: string): string => stem.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());

describe('the template', () => {
  test('has a function for each folder, and a folder for each function', () => {
    const folders = readdirSync('functions');
    const stems = functions.map(({ stem }) => stem);
    expect(
      folders.flatMap((name) => (stems.includes(name) ? [] : [`template.yaml has no function for ${name}`])),
    ).toEqual([]);
    expect(stems.sort()).toEqual(folders.sort());
  });

  test.each(functions)(
    'names $logicalId, its log group and its folder by one stem',
    ({ logicalId, stem, properties }) => {
      expect(logicalId).toBe(`${pascal(stem)}Function`);
      expect(properties.LoggingConfig).toEqual({ LogGroup: { Ref: `${pascal(stem)}LogGroup` } });
      expect(template.Resources[`${pascal(stem)}LogGroup`]?.Type).toBe('AWS::Logs::LogGroup');
    },
  );

  test.each(functions)('gives $logicalId the variables that it reads, and no others', ({ stem, properties }) => {
    const read = variablesReadBy(stem);
    const secrets = read.includes('SECRETS_PATH') ? Object.keys(localSecrets) : [];
    const given = Object.keys(properties.Environment?.Variables ?? {});
    expect(given.filter((name) => !secrets.includes(name)).sort()).toEqual(read.sort());
  });

  test.each(['dev', 'prod'])('gives no function a secret that it finds by name in SSM, on the stage %s', (Stage) => {
    const resolve = resolverOf(Stage);
    for (const { stem, properties } of functions.filter(({ stem }) => variablesReadBy(stem).includes('SECRETS_PATH'))) {
      const variables = resolve(properties.Environment?.Variables) as Record<string, string>;
      expect([stem, variables.SECRETS_PATH]).toEqual([stem, expect.stringMatching(/^\/stack\/\w+$/)]);
      for (const name of Object.keys(localSecrets)) expect([stem, variables[name] ?? '']).toEqual([stem, '']);
    }
  });

  describe('gives the mock provider of reports the secret that provider-fetch finds', () => {
    const variablesOf = (logicalId: string, Stage: string) =>
      resolverOf(Stage)(
        functions.find((one) => one.logicalId === logicalId)?.properties.Environment?.Variables,
      ) as Record<string, string>;
    const parameter = template.Resources.ReportsClientSecretParameter;

    test('in the environment, on the local stage, where there is no SSM', () => {
      const { SECRETS_PATH, REPORTS_CLIENT_SECRET } = variablesOf('ProviderFetchFunction', 'local');
      expect([SECRETS_PATH, { REPORTS_CLIENT_SECRET }]).toEqual(['', localSecrets]);
      expect(variablesOf('ProvidersFunction', 'local')).toMatchObject(localSecrets);
      expect(FUNCTION_SETTINGS).toMatchObject(localSecrets);
      expect(resolverOf('local')(template.Conditions[parameter?.Condition ?? ''])).toBe(false);
    });

    test.each(['dev', 'prod'])('in SSM, on the stage %s, by the UUID in the id of its stack', (Stage) => {
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

  test('has the routes that the fallback knows', () => {
    for (const [api, logicalId] of [
      ['service', 'ServiceApi'],
      ['providers', 'ProvidersApi'],
    ] as const) {
      const events = functions.flatMap(({ properties }) => Object.values(properties.Events ?? {}));
      const mine = events.filter(({ Properties }) => Properties.ApiId.Ref === logicalId);
      const routes = mine.map((event) => routeKeyOf(event.Properties));
      expect(routes.sort()).toEqual(['$default', ...ROUTES[api]].sort());
    }
  });

  test('substitutes functions by their stem', () => {
    const substitutions = template.Resources.ProcessPendingStateMachine?.Properties?.DefinitionSubstitutions ?? {};
    expect(substitutions).not.toEqual({});
    for (const [name, value] of Object.entries(substitutions)) {
      expect([name, value]).toEqual([name, { 'Fn::GetAtt': name.replace(/Arn$/, '.Arn') }]);
    }
  });

  test('allows no wildcard action, and two wildcard resources, for log delivery and tracing', () => {
    expect(text).not.toMatch(/Action:.*\*/);
    expect(text.match(/Resource: ['"]\*['"]/g)).toHaveLength(2);
    expect(text).toMatch(/xray:GetSamplingTargets\n\s+Resource: ['"]\*['"]/);
    expect(text).toMatch(/logs:DescribeLogGroups\n\s+Resource: ['"]\*['"]/);
  });

  test('names nothing physically but the log groups that need a prefix', () => {
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
  ])('protects the tables from deletion on the stage %s: %s', (stage, isProtected) => {
    const resolve = createResolver(template, { parameters: { Stage: stage }, ref: (id) => id, getAtt: (id) => id });
    const tables = resourcesOf(template, 'AWS::DynamoDB::Table');
    expect(tables).toHaveLength(2);
    for (const [, { Properties }] of tables) expect(resolve(Properties?.DeletionProtectionEnabled)).toBe(isProtected);
  });

  test('keeps an access log of each API, of nothing that may be secret', () => {
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
      // Those hold what callers sent: a token in a path or a query string, a key in a header, a quote that ends the line.
      expect(Format).not.toMatch(/path|query|header|authorizer|userAgent|httpMethod/i);
      return DestinationArn;
    });
    expect(new Set(groups).size).toBe(2);
    for (const group of groups) {
      expect(template.Resources[group]?.Properties?.RetentionInDays).toEqual({ Ref: 'LogRetentionDays' });
    }
  });

  test('puts out both endpoints and every address of use', () => {
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

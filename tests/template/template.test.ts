import { readdirSync, readFileSync } from 'node:fs';
import { ROUTES } from '@boomerang/core/http/routes.ts';
import { describe, expect, test } from '@jest/globals';
import { type HttpApiEvent, readTemplate, resourcesOf, routeKeyOf } from '../../local/template.ts';

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

const pascal = (stem: string): string => stem.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());

describe('the template', () => {
  test('has a function for each folder, and a folder for each function', () => {
    expect(functions.map(({ stem }) => stem).sort()).toEqual(readdirSync('functions').sort());
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
    const files = readdirSync(`functions/${stem}`);
    const source = files.includes('config.ts') ? readFileSync(`functions/${stem}/config.ts`, 'utf8') : '';
    const read = [...source.matchAll(/'([A-Z][A-Z_]+)'/g)].map((match) => match[1]);
    expect(Object.keys(properties.Environment?.Variables ?? {}).sort()).toEqual(read.sort());
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
    expect(Object.keys(substitutions)).toHaveLength(5);
    for (const [name, value] of Object.entries(substitutions)) {
      expect(value).toEqual({ 'Fn::GetAtt': name.replace(/Arn$/, '.Arn') });
    }
  });

  test('allows no wildcard action, and two wildcard resources, for log delivery and tracing', () => {
    expect(text).not.toMatch(/Action:.*\*/);
    expect(text.match(/Resource: ['"]\*['"]/g)).toHaveLength(2);
    expect(text).toMatch(/xray:GetSamplingTargets\n\s+Resource: ['"]\*['"]/);
    expect(text).toMatch(/logs:DescribeLogGroups\n\s+Resource: ['"]\*['"]/);
  });

  test('names nothing physically but the log group that needs its prefix', () => {
    const named = Object.entries(template.Resources).filter(([, { Properties = {} }]) =>
      ['TableName', 'FunctionName', 'QueueName', 'RoleName', 'LogGroupName', 'StateMachineName', 'Name'].some(
        (name) => name in Properties && typeof Properties[name] !== 'object',
      ),
    );
    expect(named.map(([logicalId]) => logicalId)).toEqual([]);
    expect(text.match(/LogGroupName:/g)).toHaveLength(1);
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

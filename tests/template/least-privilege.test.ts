import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { readTemplate, resourcesOf } from '../../local/template.ts';
import { readBundleOptions } from '../../tools/bundle-options.ts';
import { policiesOfFunction, policiesOfStateMachine } from './policies.ts';

const template = readTemplate('template.yaml');

/** The IAM prefix of each SDK client. */
const IAM_PREFIX: Record<string, string> = { dynamodb: 'dynamodb', eventbridge: 'events', sfn: 'states', ssm: 'ssm' };

/** Bundled with the SDK, which sends it only if endpoint discovery is enabled. */
const NEVER_SENT = 'dynamodb:DescribeEndpoints';

/** The IAM actions of the SDK commands in a function's bundle. Tree shaking removes unused commands. */
const actionsOfBundle = async (folder: string): Promise<string[]> => {
  const { metafile } = await build({
    ...readBundleOptions(),
    entryPoints: [`${folder}/handler.ts`],
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const actions = inputs.flatMap(([path, { bytesInOutput }]) => {
    const [, client = '', command] = /@aws-sdk\/client-([\w-]+)\/.*\/commands\/(\w+)Command\.js$/.exec(path) ?? [];
    return command && bytesInOutput > 0 ? [`${IAM_PREFIX[client]}:${command}`] : [];
  });
  return actions.filter((action) => action !== NEVER_SENT).sort();
};

const functions = resourcesOf(template, 'AWS::Serverless::Function');

const statementsOf = (logicalId: string) =>
  policiesOfFunction(template, logicalId).flatMap(({ Statement }) => Statement);

describe.each(functions)('the policy of %s', (logicalId, { Properties }) => {
  const statements = statementsOf(logicalId);

  test('allows exactly the calls that its bundle can make', async () => {
    const allowed = [...new Set(statements.flatMap(({ Action }) => Action))];
    const called = await actionsOfBundle(String(Properties?.CodeUri));
    expect([
      ...called
        .filter((action) => !allowed.includes(action))
        .map((action) => `template.yaml: ${logicalId} may not ${action}`),
      ...allowed
        .filter((action) => !called.includes(action))
        .map((action) => `template.yaml: ${logicalId} may ${action}, which it never calls`),
    ]).toEqual([]);
  }, 30_000);

  test('names its resources, without a wildcard', () => {
    for (const { Resource } of statements) expect(JSON.stringify(Resource)).not.toBe('"*"');
  });
});

test('functions that authenticate callers cannot read signing secrets or callback headers', () => {
  const indexes = template.Resources.ClientTable?.Properties?.GlobalSecondaryIndexes as { Projection: unknown }[];
  expect(indexes.map(({ Projection }) => Projection)).toEqual([
    { ProjectionType: 'INCLUDE', NonKeyAttributes: ['name', 'revokedAt'] },
    { ProjectionType: 'INCLUDE', NonKeyAttributes: ['name', 'revokedAt', 'ratePerSecond', 'isOperator'] },
  ]);
  // Other functions read a job's client from the table itself, with its secrets.
  const authenticating = functions.filter(
    ([, { Properties }]) =>
      Properties?.Events && JSON.stringify(Properties.Environment ?? {}).includes('CLIENT_TABLE_NAME'),
  );
  expect(authenticating.map(([logicalId]) => logicalId)).toContain('WebhookFunction');
  for (const [logicalId] of authenticating) {
    const clientStatements = statementsOf(logicalId).filter(({ Resource }) =>
      JSON.stringify(Resource).includes('ClientTable'),
    );
    expect(
      clientStatements.length > 0 ? [] : [`template.yaml: the policy of ${logicalId} lacks *authenticate`],
    ).toEqual([]);
    const scan = { Action: 'dynamodb:Scan', Resource: { 'Fn::Sub': '${ClientTable.Arn}/index/CallerIndex' } };
    expect(clientStatements).toEqual([
      expect.objectContaining({
        Resource: [
          { 'Fn::Sub': '${ClientTable.Arn}/index/CallerIndex' },
          { 'Fn::Sub': '${ClientTable.Arn}/index/KeyIndex' },
        ],
      }),
      ...(logicalId === 'ClientsFunction' ? [{ Effect: 'Allow', ...scan }] : []),
    ]);
  }
});

test('the role of the state machine allows exactly the calls of its definition', () => {
  const machine = template.Resources.ProcessPendingStateMachine?.Properties as {
    DefinitionUri: string;
    DefinitionSubstitutions: Record<string, unknown>;
  };
  const definition = readFileSync(machine.DefinitionUri, 'utf8');
  const calls = [...definition.matchAll(/"Resource": "arn:aws:states:::(.+)"/g)].map(([, call]) => call);
  const names = [...definition.matchAll(/"FunctionName": "\$\{(\w+)\}"/g)].map(([, name = '']) => name);
  const substitutions = machine.DefinitionSubstitutions;
  expect(
    names.flatMap((name) => (name in substitutions ? [] : [`template.yaml: DefinitionSubstitutions lacks ${name}`])),
  ).toEqual([]);
  const invoked = names.map((name) => substitutions[name]);
  const started = [...definition.matchAll(/"StateMachineArn.\$": "\$\$.StateMachine.Id"/g)];
  expect(calls).toHaveLength(invoked.length + started.length);

  const statements = policiesOfStateMachine(template).flatMap(({ Statement }) => Statement);
  const allowed = JSON.stringify(statements);
  expect(
    invoked.flatMap((arn) =>
      allowed.includes(JSON.stringify(arn)) ? [] : [`ProcessPendingRole may not invoke ${JSON.stringify(arn)}`],
    ),
  ).toEqual([]);
  expect(statements.map(({ Action, Resource }) => [Action, sorted([Resource].flat())])).toEqual([
    ['lambda:InvokeFunction', sorted(invoked)],
    ['states:StartExecution', [{ Ref: 'ProcessPendingStateMachine' }]],
  ]);
});

const sorted = (resources: unknown[]): unknown[] =>
  resources.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));

import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { readTemplate, resourcesOf } from '../../local/template.ts';
import { readBundleOptions } from '../../tools/bundle-options.ts';
import { policiesOfFunction, policiesOfStateMachine } from './policies.ts';

const template = readTemplate('template.yaml');

/** What the client of each service is called in IAM. */
const IAM_PREFIX: Record<string, string> = { dynamodb: 'dynamodb', eventbridge: 'events', sfn: 'states', ssm: 'ssm' };

/** The SDK asks for endpoints by itself only where it is told to. */
const NEVER_SENT = 'dynamodb:DescribeEndpoints';

/** The actions of the SDK's commands that are in a function's bundle: what is not called is not in it. */
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

  test('allows the calls that its bundle can make, and no others', async () => {
    const allowed = new Set(statements.flatMap(({ Action }) => Action));
    expect([...allowed].sort()).toEqual(await actionsOfBundle(String(Properties?.CodeUri)));
  }, 30_000);

  test('names its resources', () => {
    for (const { Resource } of statements) expect(JSON.stringify(Resource)).not.toBe('"*"');
  });
});

test('who authenticates can read no signing secret and no header of callbacks', () => {
  const indexes = template.Resources.ClientTable?.Properties?.GlobalSecondaryIndexes as { Projection: unknown }[];
  expect(indexes.map(({ Projection }) => Projection)).toEqual([
    { ProjectionType: 'INCLUDE', NonKeyAttributes: ['name', 'revokedAt'] },
    { ProjectionType: 'INCLUDE', NonKeyAttributes: ['name', 'revokedAt', 'ratePerSecond', 'isOperator'] },
  ]);
  // The rest finds a client by its id, as a job names it; there the secrets are.
  const authenticating = functions.filter(
    ([, { Properties }]) =>
      Properties?.Events && JSON.stringify(Properties.Environment ?? {}).includes('CLIENT_TABLE_NAME'),
  );
  expect(authenticating.map(([logicalId]) => logicalId)).toContain('WebhookFunction');
  for (const [logicalId] of authenticating) {
    const aboutClients = statementsOf(logicalId).filter(({ Resource }) =>
      JSON.stringify(Resource).includes('ClientTable'),
    );
    expect(aboutClients).toEqual([
      expect.objectContaining({
        Resource: [
          { 'Fn::Sub': '${ClientTable.Arn}/index/CallerIndex' },
          { 'Fn::Sub': '${ClientTable.Arn}/index/KeyIndex' },
        ],
      }),
    ]);
  }
});

test('the state machine calls what its role allows, and nothing else', () => {
  const machine = template.Resources.ProcessPendingStateMachine?.Properties as {
    DefinitionUri: string;
    DefinitionSubstitutions: Record<string, unknown>;
  };
  const definition = readFileSync(machine.DefinitionUri, 'utf8');
  const calls = [...definition.matchAll(/"Resource": "arn:aws:states:::(.+)"/g)].map(([, call]) => call);
  const invoked = [...definition.matchAll(/"FunctionName": "\$\{(\w+)\}"/g)].map(
    ([, name = '']) => machine.DefinitionSubstitutions[name],
  );
  const started = [...definition.matchAll(/"StateMachineArn.\$": "\$\$.StateMachine.Id"/g)];
  expect(calls).toHaveLength(invoked.length + started.length);

  const statements = policiesOfStateMachine(template).flatMap(({ Statement }) => Statement);
  const allowed = JSON.stringify(statements);
  expect(
    invoked.flatMap((arn) =>
      allowed.includes(JSON.stringify(arn)) ? [] : [`ProcessPendingRole may not invoke ${JSON.stringify(arn)}`],
    ),
  ).toEqual([]);
  expect(statements.map(({ Action, Resource }) => [Action, inOrder([Resource].flat())])).toEqual([
    ['lambda:InvokeFunction', inOrder(invoked)],
    ['states:StartExecution', [{ Ref: 'ProcessPendingStateMachine' }]],
  ]);
});

const inOrder = (resources: unknown[]): unknown[] =>
  resources.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { readTemplate } from '../../local/template.ts';

type Statement = { Action: string | string[]; Resource: unknown };
type Policy = { Statement: Statement[] };

const template = readTemplate('template.yaml');

/** What the client of each service is called in IAM. */
const IAM_PREFIX: Record<string, string> = { dynamodb: 'dynamodb', eventbridge: 'events', sfn: 'states', ssm: 'ssm' };

/** The SDK asks for endpoints by itself only where it is told to. */
const NEVER_SENT = 'dynamodb:DescribeEndpoints';

/** The actions of the SDK's commands that are in a function's bundle: what is not called is not in it. */
const actionsOfBundle = async (name: string): Promise<string[]> => {
  const { metafile } = await build({
    entryPoints: [`functions/${name}/handler.ts`],
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
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

const policiesOf = (name: string): Policy[] => {
  const logicalId = `${name.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase())}Function`;
  return (template.Resources[logicalId]?.Properties?.Policies ?? []) as Policy[];
};

describe.each(readdirSync('functions'))('the policy of %s', (name) => {
  const statements = policiesOf(name).flatMap(({ Statement }) => Statement);

  test('allows the calls that its bundle can make, and no others', async () => {
    const allowed = new Set(statements.flatMap(({ Action }) => Action));
    expect([...allowed].sort()).toEqual(await actionsOfBundle(name));
  }, 30_000);

  test('names its resources', () => {
    for (const { Resource } of statements) expect(JSON.stringify(Resource)).not.toBe('"*"');
  });
});

test('who authenticates can read no signing secret', () => {
  const indexes = template.Resources.ClientTable?.Properties?.GlobalSecondaryIndexes as { Projection: unknown }[];
  expect(indexes.map(({ Projection }) => Projection)).toEqual([
    { ProjectionType: 'INCLUDE', NonKeyAttributes: ['name', 'revokedAt'] },
  ]);
  for (const name of ['webhook', 'job-read', 'job-redrive', 'job-cancel', 'job-expunge']) {
    const aboutClients = policiesOf(name)
      .flatMap(({ Statement }) => Statement)
      .filter(({ Resource }) => JSON.stringify(Resource).includes('ClientTable'));
    expect(aboutClients).toEqual([
      expect.objectContaining({ Resource: { 'Fn::Sub': '${ClientTable.Arn}/index/KeyIndex' } }),
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

  const inline = template.Resources.ProcessPendingRole?.Properties?.Policies as { PolicyDocument: Policy }[];
  const attached = template.Resources.StartBatchesPolicy?.Properties?.PolicyDocument as Policy;
  const statements = [...inline.map(({ PolicyDocument }) => PolicyDocument), attached]
    .flatMap(({ Statement }) => Statement)
    .filter(({ Action }) => !/^(logs|xray):/.test([Action].flat().join()));
  expect(statements.map(({ Action, Resource }) => [Action, inOrder([Resource].flat())])).toEqual([
    ['lambda:InvokeFunction', inOrder(invoked)],
    ['states:StartExecution', [{ Ref: 'ProcessPendingStateMachine' }]],
  ]);
});

const inOrder = (resources: unknown[]): unknown[] =>
  resources.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));

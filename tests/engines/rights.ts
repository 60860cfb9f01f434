import { createResolver, readTemplate, resourcesOf } from '../../local/template.ts';
import { type Policy, policiesOfFunction, policiesOfStateMachine } from '../template/policies.ts';
import type { RecordedCall } from './recorder.ts';

const template = readTemplate('template.yaml');
const resolve = createResolver(template, { parameters: {}, ref: (id) => id, getAtt: (id) => id });

/** The end of an ARN that identifies the resource. */
const tail = (arn: string): string => /(?:event-bus|parameter)\/.*$/.exec(arn)?.[0] ?? arn;

/** Rights used only by functions of the previous version during a deployment (docs/decisions/0015-payloads-and-indexes.md). */
const RETIRING = new Set(['dynamodb:Query ClientTable/index/KeyIndex', 'dynamodb:Query JobTable/index/ClientIndex']);

const rightsIn = (policies: Policy[]): Set<string> =>
  new Set(
    policies
      .flatMap(({ Statement }) => Statement)
      .flatMap(({ Action, Resource }) =>
        [Action]
          .flat()
          .flatMap((action) => [Resource].flat().map((resource) => `${action} ${tail(String(resolve(resource)))}`)),
      )
      .filter((right) => !RETIRING.has(right)),
  );

/** The rights of each function and the state machine in the template, as `<action> <resource>`, by logical id. */
export const allowedCalls = (): Map<string, Set<string>> => {
  const functions = resourcesOf(template, 'AWS::Serverless::Function').map(
    ([logicalId]) => [logicalId, rightsIn(policiesOfFunction(template, logicalId))] as const,
  );
  return new Map([...functions, ['ProcessPendingStateMachine', rightsIn(policiesOfStateMachine(template))]]);
};

/** The right that a call requires, as `<action> <resource>`. */
export const rightOf = ({ action, input }: RecordedCall): string => `${action} ${resourceOf(action, input)}`;

/** The logical id in the name that CloudFormation gave a resource: `<stack>-<logical id>-<suffix>`. */
const logicalIdIn = (name: string, kind: string): string =>
  new RegExp(`[A-Z]\\w*${kind}(?=-|$)`).exec(name)?.[0] ?? name;

const resourceOf = (action: string, input: RecordedCall['input']): string => {
  const text = (name: string): string => String(input[name]);
  switch (action) {
    case 'lambda:InvokeFunction':
      return logicalIdIn(text('FunctionName'), 'Function');
    case 'states:StartExecution':
      return logicalIdIn(text('stateMachineArn'), 'StateMachine');
    case 'ssm:GetParameter':
      return `parameter/AWS::StackName/${text('Name').split('/')[2]}/*`;
    case 'events:PutEvents': {
      const entries = input.Entries as { EventBusName?: string }[];
      return [...new Set(entries.map(({ EventBusName = 'default' }) => `event-bus/${EventBusName}`))].join();
    }
    case 'dynamodb:BatchGetItem':
      return Object.keys(input.RequestItems as object)
        .map((table) => logicalIdIn(table, 'Table'))
        .join();
    default: {
      const table = logicalIdIn(text('TableName'), 'Table');
      return input.IndexName === undefined ? table : `${table}/index/${input.IndexName}`;
    }
  }
};

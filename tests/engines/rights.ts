import { createResolver, readTemplate, resourcesOf } from '../../local/template.ts';
import { type Policy, policiesOfFunction, policiesOfStateMachine } from '../template/policies.ts';
import type { RecordedCall } from './recorder.ts';

const template = readTemplate('template.yaml');
const resolve = createResolver(template, { parameters: {}, ref: (id) => id, getAtt: (id) => id });

/** What an ARN ends in, as far as it tells one resource from another. */
const tail = (arn: string): string => /(?:event-bus|parameter)\/.*$/.exec(arn)?.[0] ?? arn;

/** Rights that only functions of the version before use, while a deployment replaces them (docs/decisions/0015). */
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

/** What the template allows each function, and the state machine: `<action> <resource>`, by logical id. */
export const allowedCalls = (): Map<string, Set<string>> => {
  const functions = resourcesOf(template, 'AWS::Serverless::Function').map(
    ([logicalId]) => [logicalId, rightsIn(policiesOfFunction(template, logicalId))] as const,
  );
  return new Map([...functions, ['ProcessPendingStateMachine', rightsIn(policiesOfStateMachine(template))]]);
};

/** The right that a call takes, in the same words. */
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
    default: {
      const table = logicalIdIn(text('TableName'), 'Table');
      return input.IndexName === undefined ? table : `${table}/index/${input.IndexName}`;
    }
  }
};

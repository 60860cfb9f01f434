import { createResolver, readTemplate, resourcesOf } from '../../local/template.ts';
import type { RecordedCall } from './recorder.ts';

type Statement = { Action: string | string[]; Resource: unknown };
type Policy = { Statement: Statement[] };

const template = readTemplate('template.yaml');
const resolve = createResolver(template, { parameters: {}, ref: (id) => id, getAtt: (id) => id });

/** What an ARN ends in, as far as it tells one resource from another. */
const tail = (arn: string): string => /(?:event-bus|parameter)\/.*$/.exec(arn)?.[0] ?? arn;

/** What the template allows each function: `<action> <resource>`, by logical id. */
export const allowedCalls = (): Map<string, Set<string>> =>
  new Map(
    resourcesOf(template, 'AWS::Serverless::Function').map(([logicalId, { Properties }]) => {
      const statements = ((Properties?.Policies ?? []) as Policy[]).flatMap(({ Statement }) => Statement);
      const rights = statements.flatMap(({ Action, Resource }) =>
        [Action]
          .flat()
          .flatMap((action) => [Resource].flat().map((resource) => `${action} ${tail(String(resolve(resource)))}`)),
      );
      return [logicalId, new Set(rights)];
    }),
  );

/** The right that a call takes, in the same words. */
export const rightOf = ({ action, input }: RecordedCall): string => {
  const { TableName, IndexName, Name } = input as { TableName?: string; IndexName?: string; Name?: string };
  if (TableName !== undefined) {
    const table = TableName.includes('ClientTable') ? 'ClientTable' : 'JobTable';
    return `${action} ${table}${IndexName === undefined ? '' : `/index/${IndexName}`}`;
  }
  if (action === 'events:PutEvents') return `${action} event-bus/default`;
  if (action === 'states:StartExecution') return `${action} ProcessPendingStateMachine`;
  if (action === 'ssm:GetParameter') return `${action} parameter/AWS::StackName/${Name?.split('/')[2]}/*`;
  return action;
};

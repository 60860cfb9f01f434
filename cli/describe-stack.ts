import { type CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';

/** A stack as described by CloudFormation. */
export type StackDescription = { stackId: string; outputs: Record<string, string> };

/** @throws the SDK's error if the stack does not exist or CloudFormation can't be reached */
export const describeStack = async (client: CloudFormationClient, StackName: string): Promise<StackDescription> => {
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
  const outputs = (Stacks[0]?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]);
  return { stackId: Stacks[0]?.StackId ?? '', outputs: Object.fromEntries(outputs) };
};

import { type CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';

/** A stack, as CloudFormation describes it. */
export type StackDescription = { stackId: string; outputs: Record<string, string> };

/** @throws what the SDK throws where there is no such stack, or nobody to ask */
export const describeStack = async (client: CloudFormationClient, StackName: string): Promise<StackDescription> => {
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
  const outputs = (Stacks[0]?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]);
  return { stackId: Stacks[0]?.StackId ?? '', outputs: Object.fromEntries(outputs) };
};

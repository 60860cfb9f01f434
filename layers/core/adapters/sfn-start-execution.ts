import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { StartExecution } from '../ports/executions.ts';

export const createSfnStartExecution =
  ({ client, stateMachineArn }: { client: SFNClient; stateMachineArn: string }): StartExecution =>
  async (jobs) => {
    await client.send(new StartExecutionCommand({ stateMachineArn, input: JSON.stringify({ jobs }) }));
  };

import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { StartExecution, StartSweep } from '../ports/executions.ts';

type Machine = { client: SFNClient; stateMachineArn: string };

export const createSfnStartExecution =
  ({ client, stateMachineArn }: Machine): StartExecution =>
  async (jobs) => {
    await client.send(new StartExecutionCommand({ stateMachineArn, input: JSON.stringify({ jobs }) }));
  };

export const createSfnStartSweep =
  ({ client, stateMachineArn }: Machine): StartSweep =>
  async () => {
    await client.send(new StartExecutionCommand({ stateMachineArn, input: '{}' }));
  };

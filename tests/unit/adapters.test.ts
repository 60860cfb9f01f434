import { ConditionalCheckFailedException, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { createDynamoJobControl } from '@boomerang/core/adapters/dynamo/job-control.ts';
import { createSfnStartExecution } from '@boomerang/core/adapters/sfn-start-execution.ts';
import { StaleClaim } from '@boomerang/core/domain/failures.ts';
import { expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { aClaim, NOW } from '../builders.ts';

test('startExecution passes its jobs to the state machine by ARN', async () => {
  const sfn = mockClient(SFNClient);
  sfn.on(StartExecutionCommand).resolves({});
  const jobs = [aClaim()];
  await createSfnStartExecution({ client: new SFNClient(), stateMachineArn: 'arn' })(jobs);
  const [call] = sfn.commandCalls(StartExecutionCommand);
  expect(call?.args[0].input).toEqual({ stateMachineArn: 'arn', input: JSON.stringify({ jobs }) });
});

test('a failed condition becomes a StaleClaim; other table errors pass through', async () => {
  const dynamodb = mockClient(DynamoDBClient);
  const { release } = createDynamoJobControl({ client: new DynamoDBClient(), tableName: 'JobTable', shardCount: 1 });
  dynamodb
    .on(UpdateItemCommand)
    .rejectsOnce(new ConditionalCheckFailedException({ message: 'failed', $metadata: {} }))
    .rejectsOnce(new Error('down'));
  await expect(release('id', 1, NOW)).rejects.toThrow(StaleClaim);
  await expect(release('id', 1, NOW)).rejects.toThrow('down');
});

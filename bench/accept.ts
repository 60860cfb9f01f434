import { setTimeout as sleep } from 'node:timers/promises';
import { SFNClient } from '@aws-sdk/client-sfn';
import { createDynamoJobIntake } from '@boomerang/core/adapters/dynamo/job-intake.ts';
import { createSfnStartExecution } from '@boomerang/core/adapters/sfn-start-execution.ts';
import { toClaimedJob } from '@boomerang/core/domain/job.ts';
import { startInstance } from '../local/instance.ts';
import { clientOf } from '../local/running.ts';
import { aJob, postJob } from './client.ts';
import { startReceiver } from './receiver.ts';
import { ms, quantile } from './stats.ts';

const WARM_UP = 100;
const ROUNDS = 500;
const SETTLE_MS = 15;

/**
 * Compares the latency of accepting a job with that of its two SDK calls alone, sent to the same endpoints. Samples of both
 * alternate.
 */
export const benchAccept = async (): Promise<[string, string][]> => {
  const instance = await startInstance({ FAILURE_RATE: '0', SWEEP_SECONDS: '60' });
  const receiver = await startReceiver();
  const { access, endpoints, outputs } = instance.running;
  const intake = createDynamoJobIntake({
    client: clientOf(endpoints.dynamodb, access),
    tableName: 'JobTable',
    shardCount: 4,
  });
  const startExecution = createSfnStartExecution({
    client: new SFNClient({ endpoint: endpoints.stepFunctions, credentials: access }),
    stateMachineArn: outputs.StateMachineArn ?? '',
  });

  const sdkCallsAlone = async (): Promise<string> => {
    const job = aJob(receiver.url, ['gas', 'internet']);
    await intake.create(job, { requestId: job.jobId, requestHash: '' }, job.createdAt);
    await startExecution([toClaimedJob(job, 'immediate', job.createdAt)]);
    return job.jobId;
  };
  const accept = () => postJob(instance, receiver.url);
  // Waits for the callback of the sample's job, so that this job does not slow down the next sample.
  const sample = async (call: () => Promise<string>): Promise<number> => {
    const expected = receiver.receivedAt.size + 1;
    const startedAt = performance.now();
    await call();
    const took = performance.now() - startedAt;
    await receiver.received(expected);
    // After the callback, the instance still stores and publishes the job's end.
    await sleep(SETTLE_MS);
    return took;
  };

  const accepted: number[] = [];
  const sdkCalls: number[] = [];
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    const [acceptMs, sdkMs] = [await sample(accept), await sample(sdkCallsAlone)];
    if (round < WARM_UP) continue;
    accepted.push(acceptMs);
    sdkCalls.push(sdkMs);
  }
  await receiver.close();
  await instance.stop();
  const ratio = (share: number) => (quantile(accepted, share) / quantile(sdkCalls, share)).toFixed(2);
  return [
    ['accept, p50 / p99', `${ms(quantile(accepted, 0.5))} / ${ms(quantile(accepted, 0.99))}`],
    ['PutItem + StartExecution alone, p50 / p99', `${ms(quantile(sdkCalls, 0.5))} / ${ms(quantile(sdkCalls, 0.99))}`],
    ['ratio, p50 / p99 (goal: 1.5)', `${ratio(0.5)} / ${ratio(0.99)}`],
  ];
};

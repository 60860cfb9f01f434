import { afterAll, beforeAll, describe } from '@jest/globals';
import { type Instance, startInstance } from '../../local/instance.ts';
import { describeRequests } from './requests.ts';

let cloud: Instance;

beforeAll(async () => {
  cloud = await startInstance({ FAILURE_RATE: '0' });
}, 30_000);
afterAll(() => cloud.stop(), 30_000);

describe('the embedded cloud', () => describeRequests(() => cloud));

import type { ClaimedJob } from '@boomerang/core/contracts/claimed-job.ts';
import { type Job, newJob, toClaimedJob } from '@boomerang/core/domain/job.ts';
import { jsonBytes } from '@boomerang/core/domain/json-values.ts';
import { createWebhookSchema } from '../functions/webhook/schema.ts';
import { aCatalogue, LEASE_MS } from './builders.ts';

const IDS = Array.from({ length: 10 }, (_, index) => `p${'x'.repeat(38)}${index}`);
const TEXT = { type: 'string', writeOnly: true } as const;
const CATALOGUE = aCatalogue(
  ...IDS.map((id) => ({ id, parameters: { type: 'object' as const, properties: { a: TEXT } } })),
);
const RULES = { allowHttp: false, exceptions: { networks: [], hosts: new Set<string>() } };

/** Characters of every size: one to four bytes as UTF-8, and up to six when JSON escapes them. */
export const FILLINGS = ['x', 'é', '€', '😀', '\u0001', '"', '\u2028'];

/** A string of exactly `bytes` bytes: as many fillings as fit, then one-byte characters. */
const filled = (filling: string, bytes: number): string => {
  const bytesEach = jsonBytes(filling) - 2;
  const count = Math.floor(bytes / bytesEach);
  return `${filling.repeat(count)}${'x'.repeat(bytes - count * bytesEach)}`;
};

/** The largest accepted request: each part has its maximum size. */
export const largestRequest = (filling: string) => {
  const parameters = Object.fromEntries(IDS.map((id) => [id, { a: '' }]));
  const share = Math.floor((1024 - jsonBytes(parameters)) / IDS.length);
  const metadata = { [`m${'-'.repeat(63)}`]: '' };
  const [key = ''] = Object.keys(metadata);
  return {
    providers: IDS.map((id, index) => ({
      id,
      parameters: { a: filled(filling, index === 0 ? 1024 - jsonBytes(parameters) - 9 * share : share) },
    })),
    callbackUrl: `https://example.com/${'x'.repeat(2_028)}`,
    metadata: { [key]: filled(filling, 1024 - jsonBytes(metadata)) },
  };
};

export const acceptLargest = (filling: string) => createWebhookSchema(CATALOGUE, RULES).parse(largestRequest(filling));

/** The largest possible claimed job. */
export const largestClaim = (filling = 'x'): ClaimedJob => {
  const now = Date.parse('9999-12-31T23:59:59.999Z');
  const accepted = newJob({
    ...acceptLargest(filling),
    jobId: '01a20b4c-cf47-716b-85d8-5343742576b8',
    clientId: 'c'.repeat(64),
    now,
    leaseMs: LEASE_MS,
    fetchDeadlineMs: 0,
  });
  const job: Job = { ...accepted, claims: 1_000_000, redeliveries: 1_000_000, round: 1_000_000 };
  return { ...toClaimedJob(job, 'scheduled', now), checkpointed: false, isAnyWaiting: false };
};

import type { Instance } from '../../local/instance.ts';
import type { Job, JobSummary } from '../../packages/client/api-types.ts';
import { createClient, type JobFilter } from '../../packages/client/client.ts';
import { contractOf } from './contract.ts';

/** Calls the service API of an instance through the client, and checks every exchange against the OpenAPI document. */
export const apiOf = ({
  serviceUrl,
  apiKey,
  fetch,
}: Pick<Instance, 'serviceUrl' | 'apiKey'> & { fetch?: typeof globalThis.fetch }) => {
  const call = contractOf('service', serviceUrl, fetch);
  const client = createClient({ baseUrl: '', apiKey, fetch: (path, init) => call(String(path), init) });
  return {
    client,
    getJob: client.get,
    /** Posts any body, and returns the response of any status. */
    post: (body: unknown, headers: Record<string, string> = {}) =>
      call('/webhook', {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    submit: async (providers: string[], callbackUrl: string): Promise<string> =>
      (await client.submit({ providers, callbackUrl })).jobId,
    /** Polls until the job satisfies the condition. */
    waitFor: async (jobId: string, isWanted: (job: Job) => boolean, withinMs = 30_000): Promise<Job> => {
      let last: Job | undefined;
      const options = { until: isWanted, timeoutMs: withinMs, pollEveryMs: 50 };
      return client.wait(jobId, { ...options, onChange: (job) => (last = job) }).catch((cause: Error) => {
        if (cause.name !== 'TimeoutError') throw cause;
        throw new Error(`timed out after ${withinMs} ms; the job was last ${JSON.stringify(last)}`, { cause });
      });
    },
    /** Every job of the list, page by page. */
    listAll: async (filter: JobFilter = {}): Promise<JobSummary[]> => {
      const jobs: JobSummary[] = [];
      for await (const job of client.list({ limit: 100, ...filter })) jobs.push(job);
      return jobs;
    },
  };
};

export const isOver = ({ status }: Job): boolean => status !== 'PENDING';

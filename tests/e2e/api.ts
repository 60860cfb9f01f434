import { setTimeout as sleep } from 'node:timers/promises';
import type { Instance } from '../../local/instance.ts';
import { contractOf } from './contract.ts';

export type JobView = {
  jobId: string;
  status: string;
  phase: string;
  callbackUrl: string;
  providers: {
    providerId: string;
    status: string;
    error?: { class: string; statusCode?: number };
    deferred?: { class: string; cause?: { class: string; statusCode?: number } };
  }[];
  attempts: { number: number; trigger: string; callback: { status: string; class?: string } | null }[];
  nextAttemptAt: string | null;
  updatedAt: string;
  failure?: { code: string };
};

/** The service API of an instance, as a caller uses it. */
export const apiOf = ({
  serviceUrl,
  apiKey,
  fetch,
}: Pick<Instance, 'serviceUrl' | 'apiKey'> & { fetch?: typeof globalThis.fetch }) => {
  const authorization = `Bearer ${apiKey}`;
  const call = contractOf('service', serviceUrl, fetch);
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    call('/webhook', {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const getJob = async (jobId: string): Promise<JobView> =>
    (await (await call(`/jobs/${jobId}`, { headers: { authorization } })).json()) as JobView;
  return {
    post,
    getJob,
    submit: async (providers: string[], callbackUrl: string): Promise<string> => {
      const answer = await post({ providers, callbackUrl });
      if (answer.status !== 202) throw new Error(`${answer.status} ${await answer.text()}`);
      return ((await answer.json()) as { jobId: string }).jobId;
    },
    /** Polls until the job is as wanted. */
    waitFor: async (jobId: string, isWanted: (job: JobView) => boolean, withinMs = 30_000): Promise<JobView> => {
      const givesUpAt = Date.now() + withinMs;
      for (;;) {
        const job = await getJob(jobId);
        if (isWanted(job)) return job;
        if (Date.now() > givesUpAt) throw new Error(`waited too long: ${JSON.stringify(job)}`);
        await sleep(50);
      }
    },
    /** Every job of the list, page by page. */
    listAll: async (query = ''): Promise<{ jobId: string; status: string }[]> => {
      const jobs: { jobId: string; status: string }[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const path = `/jobs?limit=100${query}${cursor === '' ? '' : `&cursor=${cursor}`}`;
        const page = await call(path, { headers: { authorization } });
        const body = (await page.json()) as { jobs: { jobId: string; status: string }[]; cursor: string | null };
        jobs.push(...body.jobs);
        cursor = body.cursor;
      }
      return jobs;
    },
  };
};

export const isOver = ({ status }: JobView): boolean => status !== 'PENDING';

import http from 'node:http';
import { type Job, newJob } from '@boomerang/core/domain/job.ts';
import { v7 as uuidv7 } from 'uuid';
import type { Instance } from '../local/instance.ts';

const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

/** Posts a job, and resolves with its id once the response is complete. */
export const postJob = (
  { serviceUrl, apiKey }: Instance,
  callbackUrl: string,
  providers = ['gas', 'internet'],
): Promise<string> => {
  const body = JSON.stringify({ providers, callbackUrl });
  return new Promise((resolve, reject) => {
    const request = http.request(`${serviceUrl}/webhook`, {
      method: 'POST',
      agent,
      headers: {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      },
    });
    request.on('error', reject).on('response', (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        answer += part;
      });
      response.on('end', () => {
        if (response.statusCode === 202) resolve((JSON.parse(answer) as { jobId: string }).jobId);
        else reject(new Error(`${response.statusCode} ${answer}`));
      });
    });
    request.end(body);
  });
};

/** A job as the webhook stores it, for benches that store jobs themselves. */
export const aJob = (callbackUrl: string, providers: string[], clientId = 'local'): Job =>
  newJob({
    jobId: uuidv7(),
    clientId,
    providers,
    callbackUrl,
    now: Date.now(),
    leaseMs: 360_000,
    fetchDeadlineMs: 86_400_000,
  });

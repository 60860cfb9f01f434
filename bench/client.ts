import http from 'node:http';
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

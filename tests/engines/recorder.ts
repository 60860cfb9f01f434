import { createServer, request as sendRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen } from '../../local/http-server.ts';

/** A call of a function to AWS. */
export type RecordedCall = {
  /** The function's logical id; undefined of those that are none. */
  caller: string | undefined;
  /** As IAM calls it: `dynamodb:Query`. */
  action: string;
  input: Record<string, unknown>;
};

/** What each service is called in IAM, by what its requests are addressed to. */
const SERVICES: Record<string, string> = {
  DynamoDB_20120810: 'dynamodb',
  AWSStepFunctions: 'states',
  AWSEvents: 'events',
  AmazonSSM: 'ssm',
};

/** Stands between functions and AWS: hands on what they send, and keeps what they asked for. */
export const startRecorder = async () => {
  const calls: RecordedCall[] = [];
  let target: URL | undefined;
  /** Actions that fail, and how often yet. */
  const failing = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const [service = '', operation = ''] = String(request.headers['x-amz-target']).split('.');
    const action = `${SERVICES[service]}:${operation}`;
    const [, caller] = /\bapp\/(\w+)/.exec(String(request.headers['user-agent'])) ?? [];
    if (SERVICES[service]) calls.push({ caller, action, input: JSON.parse(body.toString()) as RecordedCall['input'] });
    const left = failing.get(action) ?? 0;
    if (left > 0 || target === undefined) {
      failing.set(action, left - 1);
      response.writeHead(500, { 'content-type': 'application/json' }).end('{"__type":"InternalFailure"}');
      return;
    }
    const { method, headers, url: path } = request;
    const onward = sendRequest({ hostname: target.hostname, port: target.port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.once('error', () => response.destroy());
    onward.end(body);
  });
  const { url, close } = await listen(server, 0);
  return {
    url,
    calls,
    close,
    sendTo: (address: string) => {
      target = new URL(address);
    },
    /** Lets the next calls of this kind fail. */
    fail: (action: string, times: number) => void failing.set(action, times),
  };
};

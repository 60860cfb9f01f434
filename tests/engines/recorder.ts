import { createServer, request as sendRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen } from '../../local/http-server.ts';

/** A call to AWS by a function or the state machine. */
export type RecordedCall = {
  /** The caller's logical id; undefined for other callers. */
  caller: string | undefined;
  /** The IAM action, such as `dynamodb:Query`. */
  action: string;
  input: Record<string, unknown>;
};

/** The IAM prefix of each service, by the prefix of `x-amz-target`. */
const SERVICES: Record<string, string> = {
  DynamoDB_20120810: 'dynamodb',
  AWSStepFunctions: 'states',
  AWSEvents: 'events',
  AmazonSSM: 'ssm',
};

type Request = Pick<RecordedCall, 'action' | 'input'>;

/** Identifies function invocations by their path and other calls by a header. */
const readCall = (path: string, target: string, body: string): Request | undefined => {
  const [, FunctionName] = /^\/2015-03-31\/functions\/(.+)\/invocations/.exec(decodeURIComponent(path)) ?? [];
  if (FunctionName !== undefined) return { action: 'lambda:InvokeFunction', input: { FunctionName } };
  const [service = '', operation] = target.split('.');
  if (SERVICES[service] === undefined) return undefined;
  return { action: `${SERVICES[service]}:${operation}`, input: JSON.parse(body) as Request['input'] };
};

/** A proxy to AWS that records calls. */
export const startRecorder = async () => {
  const calls: RecordedCall[] = [];
  let target: URL | undefined;
  /** How many further calls of each action fail. */
  const failing = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const { method, headers, url: path = '' } = request;
    const call = readCall(path, String(headers['x-amz-target']), body.toString());
    const [, caller] = /\bapp\/(\w+)/.exec(String(headers['user-agent'])) ?? [];
    if (call !== undefined) calls.push({ caller, ...call });
    const action = call?.action ?? '';
    const failuresLeft = failing.get(action) ?? 0;
    if (failuresLeft > 0 || target === undefined) {
      failing.set(action, failuresLeft - 1);
      response.writeHead(500, { 'content-type': 'application/json' }).end('{"__type":"InternalFailure"}');
      return;
    }
    const { hostname, port } = target;
    const onward = sendRequest({ hostname, port, method, path, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.once('error', () => response.destroy());
    onward.end(body);
  });
  // Avoids closing a connection while it is reused: callers' connections stay open, and each onward call has its own.
  server.keepAliveTimeout = 0;
  const { url, close } = await listen(server, 0);
  return {
    url,
    calls,
    close,
    sendTo: (address: string) => {
      target = new URL(address);
    },
    /** Makes the next calls of an action fail. */
    fail: (action: string, times: number) => void failing.set(action, times),
  };
};

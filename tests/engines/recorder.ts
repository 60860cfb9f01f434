import { createServer, request as sendRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen } from '../../local/http-server.ts';

/** A call of a function, or of the state machine, to AWS. */
export type RecordedCall = {
  /** Its logical id; undefined of those that are neither. */
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

type Asked = Pick<RecordedCall, 'action' | 'input'>;

/** Invocations of functions are told by their path; everything else that is called here, by a header. */
const readCall = (path: string, target: string, body: string): Asked | undefined => {
  const [, FunctionName] = /^\/2015-03-31\/functions\/(.+)\/invocations/.exec(decodeURIComponent(path)) ?? [];
  if (FunctionName !== undefined) return { action: 'lambda:InvokeFunction', input: { FunctionName } };
  const [service = '', operation] = target.split('.');
  if (SERVICES[service] === undefined) return undefined;
  return { action: `${SERVICES[service]}:${operation}`, input: JSON.parse(body) as Asked['input'] };
};

/** Stands between them and AWS: hands on what they send, and keeps what they asked for. */
export const startRecorder = async () => {
  const calls: RecordedCall[] = [];
  let target: URL | undefined;
  /** How many more calls of an action are to fail. */
  const failing = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const { method, headers, url: path = '' } = request;
    const call = readCall(path, String(headers['x-amz-target']), body.toString());
    const [, caller] = /\bapp\/(\w+)/.exec(String(headers['user-agent'])) ?? [];
    if (call !== undefined) calls.push({ caller, ...call });
    const action = call?.action ?? '';
    const left = failing.get(action) ?? 0;
    if (left > 0 || target === undefined) {
      failing.set(action, left - 1);
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
  // No connection is closed at the moment when somebody uses it again: those of callers never, and onward each call has its own.
  server.keepAliveTimeout = 0;
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

import { lookup as systemLookup } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { type AddressExceptions, isAllowedAddress, isExceptedHost, judgeHost } from '../domain/address-rules.ts';
import { type HttpAnswer, HttpFailure, type HttpFailureInfo, type HttpRequest, type SendHttp } from '../ports/http.ts';
import { CODING_OVERHEAD_BYTES, codingsOf, decode } from './content-codings.ts';
import { type DialOptions, dial, type Lookup } from './dial.ts';
import { toFailure } from './http-failures.ts';

/** Idle connections are dropped before the other side would, usually after 5 s: a call must not meet a closing connection. */
const IDLE_MS = 4_000;

/** The largest head of an answer. Node's own limit, 16 KiB, is less than some gateways send. */
const MAX_HEADER_BYTES = 64 * 1024;

export type NodeHttpOptions = {
  /** Calls go only where the address rules allow, but for these; absent: anywhere, for addresses that are trusted. */
  exceptions?: AddressExceptions;
  /** How names are resolved. */
  lookup?: Lookup;
  /** How TCP connections are begun. */
  connect?: DialOptions['connect'];
};

/**
 * An HTTP client over Node's own: no redirects, one deadline over the whole exchange, a cap on the body that holds for
 * compressed ones too. Where it is told to judge addresses, it dials those that it has judged: no name can lead elsewhere
 * in between.
 */
export const createNodeHttp = ({ exceptions, lookup = systemLookup, connect }: NodeHttpOptions = {}): SendHttp => {
  const dialling = { lookup: exceptions ? guarded(lookup, exceptions) : lookup, connect };
  const kept = createAgents(dialling, { keepAlive: true, maxFreeSockets: 64, timeout: IDLE_MS, scheduling: 'lifo' });
  const fresh = createAgents(dialling, { keepAlive: false });

  return async (request) => {
    const startedAt = performance.now();
    const elapsed = () => Math.round(performance.now() - startedAt);
    const deadline = AbortSignal.timeout(request.timeoutMs);
    const mayRepeat = request.method === 'GET' || request.isRepeatable === true;
    let exchange: Exchange;
    try {
      const target = new URL(request.url);
      // A literal is not looked up.
      if (exceptions && judgeHost(target.hostname, exceptions) !== 'allowed') throw new BlockedAddress();
      exchange = await begin(request, target, kept, deadline).catch((error: unknown) => {
        if (!(error instanceof StaleConnection && (mayRepeat || !error.wasSent))) throw error;
        return begin(request, target, fresh, deadline);
      });
    } catch (error) {
      const cause = deadline.aborted ? deadline.reason : error instanceof StaleConnection ? error.cause : error;
      const { class: failureClass, message } = toFailure(cause);
      throw new HttpFailure(failureClass, message, elapsed(), { cause });
    }
    const { body, failure } = await readBody(exchange, request.maxBytes, deadline);
    return {
      statusCode: exchange.response.statusCode ?? 0,
      headers: joinHeaders(exchange.response.headers),
      body,
      ...(failure && { bodyFailure: failure }),
      durationMs: elapsed(),
    };
  };
};

/** The address is one that calls must not go to. */
class BlockedAddress extends Error {
  override name = 'BlockedAddress';
  readonly code = 'BLOCKED_ADDRESS';
}

/** A kept connection that the other side had closed: it has not seen the request, or not looked at it. */
class StaleConnection extends Error {
  override name = 'StaleConnection';
  readonly wasSent: boolean;

  constructor(wasSent: boolean, cause: Error) {
    super('the connection was closed meanwhile', { cause });
    this.wasSent = wasSent;
  }
}

/** A look-up that fails when any of the addresses is forbidden: one good one among them is no excuse. */
const guarded =
  (lookup: Lookup, exceptions: AddressExceptions): Lookup =>
  (hostname, options, callback) => {
    lookup(hostname, options, (error, addresses) => {
      const isFine =
        isExceptedHost(hostname, exceptions) ||
        addresses?.every(({ address }) => isAllowedAddress(address, exceptions));
      callback(error ?? (isFine ? null : new BlockedAddress()), addresses);
    });
  };

type Agents = Readonly<Record<string, http.Agent>>;

/** Agents whose connections are made by `dial`. They find the deadline of a request among its options. */
const createAgents = (dialling: Pick<DialOptions, 'lookup' | 'connect'>, options: http.AgentOptions): Agents => {
  const plain = new http.Agent(options);
  const secure = new https.Agent(options);
  const createTls = secure.createConnection.bind(secure);
  const dialled =
    (finish: (socket: Awaited<ReturnType<typeof dial>>, target: Target) => unknown) =>
    (target: Target, callback: (error: unknown, socket?: unknown) => void): undefined => {
      const { host, port, deadline: signal } = target;
      const made = dial({ ...dialling, host, port: Number(port), signal }).then((socket) => finish(socket, target));
      made.then(
        (socket) => callback(null, socket),
        (error) => callback(error),
      );
    };
  return {
    'http:': Object.assign(plain, { createConnection: dialled((socket) => socket) }),
    'https:': Object.assign(secure, {
      createConnection: dialled((socket, target) => createTls({ ...target, socket } as https.RequestOptions)),
    }),
  };
};

type Target = { host: string; port: number | string; deadline: AbortSignal };

type Exchange = {
  response: http.IncomingMessage;
  /** What has gone wrong since the response began. */
  failure: () => Error | undefined;
};

/** Sends a request, and waits for the head of the answer. */
const begin = async (
  { method, headers = {}, body }: HttpRequest,
  target: URL,
  agents: Agents,
  deadline: AbortSignal,
): Promise<Exchange> =>
  new Promise((resolve, reject) => {
    // Bytes, not text: Node appends a text to the headers and sends both in UTF-8, but headers are Latin-1.
    const bytes = body === undefined ? undefined : Buffer.from(body);
    const options: http.RequestOptions & { deadline: AbortSignal } = {
      method,
      agent: agents[target.protocol],
      signal: deadline,
      deadline,
      maxHeaderSize: MAX_HEADER_BYTES,
      headers: {
        'accept-encoding': 'identity',
        ...headers,
        ...(bytes && { 'content-length': bytes.length }),
      },
    };
    const request = (target.protocol === 'https:' ? https : http).request(target, options);
    // However many they are, their bytes are limited.
    request.maxHeadersCount = 0;
    let failure: Error | undefined;
    let receivedBefore = 0;
    let isSent = false;
    const sendNow = (): void => {
      if (request.destroyed) return;
      if (request.reusedSocket && request.socket?.bytesRead !== receivedBefore) {
        request.destroy(coded('ECONNRESET'));
        return;
      }
      isSent = true;
      request.end(bytes);
    };
    const fail = (error: Error): void => {
      // It holds the answer, and with it whatever that repeats.
      delete (error as { rawPacket?: unknown }).rawPacket;
      failure ??= error;
      const isUnanswered = !isSent || request.socket?.bytesRead === receivedBefore;
      reject(request.reusedSocket && isUnanswered ? new StaleConnection(isSent, error) : error);
    };
    request
      .on('socket', (socket) => {
        receivedBefore = socket.bytesRead;
        // On a kept connection an end, or bytes that nobody asked for, may have arrived and not been read. A whole turn of the
        // event loop reads them; they would be taken for the answer.
        if (request.reusedSocket) setImmediate(() => setImmediate(sendNow));
        else sendNow();
      })
      .on('response', (response) => {
        const { statusCode = 0 } = response;
        // Servers say so on a connection that was idle for too long (RFC 9110 §15.5.9).
        const isLate = request.reusedSocket && (statusCode === 408 || !isSent);
        if (statusCode >= 200 && !isLate) return resolve({ response, failure: () => failure });
        response.on('error', () => {}).destroy();
        reject(isLate ? new StaleConnection(isSent, coded('ECONNRESET')) : coded('BAD_STATUS_LINE'));
      })
      .on('upgrade', (_, socket) => {
        socket.destroy();
        reject(coded('UNASKED_UPGRADE'));
      })
      .on('error', fail)
      .on('close', () => reject(coded('NO_ANSWER')));
  });

const coded = (code: string): Error => Object.assign(new Error(code), { code });

/** Reads up to `maxBytes` of a body; whatever goes wrong on the way is told beside what came. */
const readBody = async (
  exchange: Exchange,
  maxBytes: number,
  deadline: AbortSignal,
): Promise<{ body: Buffer; failure?: HttpFailureInfo }> => {
  const codings = codingsOf(joinHeaders(exchange.response.headers));
  const isCoded = codings.length > 0;
  const received = await receive(exchange, isCoded ? maxBytes + CODING_OVERHEAD_BYTES : maxBytes, deadline);
  const isWhole = !received.isCut && !received.failure;
  const { body, isCut, error } = isCoded ? await decode(received.body, codings, maxBytes, isWhole) : received;
  if (received.isCut || isCut) {
    return { body, failure: { class: 'too_large', message: `the answer is larger than ${maxBytes} bytes` } };
  }
  if (received.failure) return { body, failure: received.failure };
  return error === undefined ? { body } : { body, failure: { class: 'bad_body', message: error } };
};

type Received = { body: Buffer; isCut?: boolean; error?: undefined; failure?: HttpFailureInfo };

/** Reads a body as it was sent, up to a number of bytes. */
const receive = async ({ response, failure }: Exchange, maxBytes: number, deadline: AbortSignal): Promise<Received> => {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      const room = maxBytes - length;
      chunks.push(chunk.subarray(0, room));
      length += Math.min(chunk.length, room);
      if (chunk.length > room) {
        response.destroy();
        return { body: Buffer.concat(chunks), isCut: true };
      }
    }
    // A body without a length ends with its connection, also when that is reset, or the deadline ends it.
    const isDelimited = ['content-length', 'transfer-encoding'].some((name) => Object.hasOwn(response.headers, name));
    const cause = isDelimited ? undefined : deadline.aborted ? deadline.reason : failure();
    return { body: Buffer.concat(chunks), ...(cause && { failure: toFailure(cause) }) };
  } catch (error) {
    response.destroy();
    const cause = deadline.aborted ? deadline.reason : (failure() ?? error);
    return { body: Buffer.concat(chunks), failure: toFailure(cause) };
  }
};

const joinHeaders = (headers: http.IncomingHttpHeaders): HttpAnswer['headers'] =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );

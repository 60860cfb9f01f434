import { lookup as systemLookup } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { type AddressExceptions, isAllowedAddress, isExceptedHost, judgeHost } from '../domain/address-rules.ts';
import {
  HttpFailure,
  type HttpFailureInfo,
  type HttpRequest,
  type HttpResponse,
  type SendHttp,
} from '../ports/http.ts';
import { CODING_OVERHEAD_BYTES, codingsOf, decode } from './content-codings.ts';
import { type DialOptions, dial, type Lookup } from './dial.ts';
import { toFailure } from './http-failures.ts';

/** Below the usual 5 s idle timeout of servers, so that requests rarely hit a connection that is being closed. */
const IDLE_MS = 4_000;

/** Maximum size of the response headers. Some gateways exceed Node's default of 16 KiB. */
const MAX_HEADER_BYTES = 64 * 1024;

export type NodeHttpOptions = {
  /** Exceptions to the address rules. Absent for trusted URLs, to which the rules do not apply. */
  exceptions?: AddressExceptions;
  /** Resolves names. */
  lookup?: Lookup;
  /** Starts TCP connections. */
  connect?: DialOptions['connect'];
};

/**
 * An HTTP client on `node:http`: no redirects, one deadline for the whole exchange, and a size limit for the decompressed body.
 * With address rules it connects to the very addresses that it checked, which defeats DNS rebinding.
 */
export const createNodeHttp = ({ exceptions, lookup = systemLookup, connect }: NodeHttpOptions = {}): SendHttp => {
  const dialling = { lookup: exceptions ? guarded(lookup, exceptions) : lookup, connect };
  const pooled = createAgents(dialling, { keepAlive: true, maxFreeSockets: 64, timeout: IDLE_MS, scheduling: 'lifo' });
  const fresh = createAgents(dialling, { keepAlive: false });

  const exchangeWithin = async (request: HttpRequest, deadline: AbortSignal): Promise<HttpResponse> => {
    const startedAt = performance.now();
    const elapsed = () => Math.round(performance.now() - startedAt);
    const mayRepeat = request.method === 'GET' || request.isRepeatable === true;
    let exchange: Exchange;
    try {
      const target = new URL(request.url);
      // IP literals never reach the lookup, so check them here.
      if (exceptions && judgeHost(target.hostname, exceptions) !== 'allowed') throw new BlockedAddress();
      exchange = await sendRequest(request, target, pooled, deadline).catch((error: unknown) => {
        if (!(error instanceof StaleConnection && (mayRepeat || !error.wasSent))) throw error;
        return sendRequest(request, target, fresh, deadline);
      });
    } catch (error) {
      const ownCause = error instanceof StaleConnection ? error.cause : error;
      const cause = deadline.aborted ? deadline.reason : ownCause;
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

  return async (request) => {
    // Not AbortSignal.timeout, whose timer can't be cleared: it would fire for each request that ended long before.
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(new DOMException('The deadline has passed.', 'TimeoutError')),
      request.timeoutMs,
    );
    try {
      return await exchangeWithin(request, deadline.signal);
    } finally {
      clearTimeout(timer);
    }
  };
};

/** The address rules forbid the address. */
class BlockedAddress extends Error {
  override name = 'BlockedAddress';
  readonly code = 'BLOCKED_ADDRESS';
}

/** A reused connection that the server had closed before it processed the request. */
class StaleConnection extends Error {
  override name = 'StaleConnection';
  readonly wasSent: boolean;

  constructor(wasSent: boolean, cause: Error) {
    super('the reused connection was closed', { cause });
    this.wasSent = wasSent;
  }
}

/** A lookup that fails if any of the addresses is forbidden, even if others are allowed. */
const guarded =
  (lookup: Lookup, exceptions: AddressExceptions): Lookup =>
  (hostname, options, callback) => {
    lookup(hostname, options, (error, addresses) => {
      const isAllowed =
        isExceptedHost(hostname, exceptions) ||
        addresses?.every(({ address }) => isAllowedAddress(address, exceptions));
      callback(error ?? (isAllowed ? null : new BlockedAddress()), addresses);
    });
  };

type Agents = Readonly<Record<string, http.Agent>>;

/** Agents that connect with `dial`. The deadline of a request is passed in its options. */
const createAgents = (dialling: Pick<DialOptions, 'lookup' | 'connect'>, options: http.AgentOptions): Agents => {
  const plain = new http.Agent(options);
  const secure = new https.Agent(options);
  const createTls = secure.createConnection.bind(secure);
  const dialled =
    (finish: (socket: Awaited<ReturnType<typeof dial>>, target: Target) => unknown) =>
    (target: Target, callback: (error: unknown, socket?: unknown) => void): undefined => {
      const { host, port, deadline: signal } = target;
      const connected = dial({ ...dialling, host, port: Number(port), signal }).then((socket) =>
        finish(socket, target),
      );
      connected.then(
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
  /** An error after the response started. */
  failure: () => Error | undefined;
};

/** Sends a request and waits for the response headers. */
const sendRequest = async (
  { method, headers = {}, body }: HttpRequest,
  target: URL,
  agents: Agents,
  deadline: AbortSignal,
): Promise<Exchange> =>
  new Promise((resolve, reject) => {
    // Bytes, because Node joins a text body to the headers and encodes both as UTF-8, but headers are Latin-1.
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
    // No limit on the number of headers: `maxHeaderSize` limits their size.
    request.maxHeadersCount = 0;
    let failure: Error | undefined;
    let receivedBefore = 0;
    let isSent = false;
    let isAnswered = false;
    const sendNow = (): void => {
      if (request.destroyed) return;
      if (request.reusedSocket && request.socket?.bytesRead !== receivedBefore) {
        request.destroy(errorWithCode('ECONNRESET'));
        return;
      }
      isSent = true;
      request.end(bytes);
    };
    const fail = (error: Error): void => {
      // `rawPacket` contains the response, which may echo secrets.
      delete (error as { rawPacket?: unknown }).rawPacket;
      failure ??= error;
      const isUnanswered = !isSent || request.socket?.bytesRead === receivedBefore;
      reject(request.reusedSocket && isUnanswered ? new StaleConnection(isSent, error) : error);
    };
    request
      .on('socket', (socket) => {
        receivedBefore = socket.bytesRead;
        // On a reused connection, an end or unsolicited bytes may be waiting unread and would be mistaken for the response. A
        // full turn of the event loop reads them.
        if (request.reusedSocket) setImmediate(() => setImmediate(sendNow));
        else sendNow();
      })
      .on('response', (response) => {
        isAnswered = true;
        const { statusCode = 0 } = response;
        // Servers answer 408 on a connection that was idle too long (RFC 9110 §15.5.9).
        const isStale = request.reusedSocket && (statusCode === 408 || !isSent);
        if (statusCode >= 200 && !isStale) return resolve({ response, failure: () => failure });
        response.on('error', () => {}).destroy();
        reject(isStale ? new StaleConnection(isSent, errorWithCode('ECONNRESET')) : errorWithCode('BAD_STATUS_LINE'));
      })
      .on('upgrade', (_, socket) => {
        socket.destroy();
        reject(errorWithCode('UNASKED_UPGRADE'));
      })
      .on('error', fail)
      .on('close', () => {
        // The check avoids creating an error after each response: its stack trace is expensive.
        if (!isAnswered) reject(errorWithCode('NO_RESPONSE'));
      });
  });

const errorWithCode = (code: string): Error => Object.assign(new Error(code), { code });

/** Reads and decodes up to `maxBytes` of a body. After a failure, returns it along with the bytes read so far. */
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
    return { body, failure: { class: 'too_large', message: `the response is larger than ${maxBytes} bytes` } };
  }
  if (received.failure) return { body, failure: received.failure };
  return error === undefined ? { body } : { body, failure: { class: 'bad_body', message: error } };
};

type Received = { body: Buffer; isCut?: boolean; error?: undefined; failure?: HttpFailureInfo };

/** Reads up to `maxBytes` of a body without decoding it. */
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
    const body = Buffer.concat(chunks);
    const isDelimited = ['content-length', 'transfer-encoding'].some((name) => Object.hasOwn(response.headers, name));
    if (isDelimited) return { body };
    // A body without a length ends when the connection closes, which may also be a reset or the deadline.
    const cause = deadline.aborted ? deadline.reason : failure();
    return cause ? { body, failure: toFailure(cause) } : { body };
  } catch (error) {
    response.destroy();
    const cause = deadline.aborted ? deadline.reason : (failure() ?? error);
    return { body: Buffer.concat(chunks), failure: toFailure(cause) };
  }
};

const joinHeaders = (headers: http.IncomingHttpHeaders): HttpResponse['headers'] =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );

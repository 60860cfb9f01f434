import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { FailureClass } from '../contracts/task-failure.ts';
import { type AddressExceptions, isAllowedAddress, isExceptedHost, judgeHost } from '../domain/address-rules.ts';
import { HttpFailure, type HttpFailureInfo, type SendHttp } from '../ports/http.ts';

/** Idle connections are dropped before the other side would, usually after 5 s: a call must not meet a closing connection. */
const IDLE_MS = 4_000;

export type NodeHttpOptions = {
  /** Calls go only where the address rules allow, but for these; absent: anywhere, for addresses that are trusted. */
  exceptions?: AddressExceptions;
  /** How names are resolved. */
  lookup?: Lookup;
};

/**
 * An HTTP client over Node's own: no redirects, one deadline over the whole exchange, a cap on the body that holds for
 * compressed ones too. Where it is told to judge addresses, it dials those that it has judged: no name can lead elsewhere
 * in between.
 */
export const createNodeHttp = ({ exceptions, lookup = systemLookup }: NodeHttpOptions = {}): SendHttp => {
  const options = { keepAlive: true, maxFreeSockets: 64, timeout: IDLE_MS, scheduling: 'lifo' as const };
  const agents = { 'http:': new http.Agent(options), 'https:': new https.Agent(options) };

  return async ({ method, url, headers = {}, body, timeoutMs, maxBytes }) => {
    const startedAt = performance.now();
    const elapsed = () => Math.round(performance.now() - startedAt);
    const target = new URL(url);
    const isTls = target.protocol === 'https:';
    const signal = AbortSignal.timeout(timeoutMs);
    let response: http.IncomingMessage;
    try {
      // Node resolves no literals, so that the look-up never sees them.
      if (exceptions && judgeHost(target.hostname, exceptions) !== 'allowed') throw new BlockedAddress();
      response = await new Promise((resolve, reject) => {
        const request = (isTls ? https : http).request(target, {
          method,
          agent: isTls ? agents['https:'] : agents['http:'],
          signal,
          ...(exceptions && { lookup: guarded(lookup, exceptions) }),
          headers: {
            'accept-encoding': 'identity',
            ...headers,
            ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
          },
        });
        // A server that switches protocols unasked (101) closes with neither an answer nor an error.
        const noAnswer = () => reject(Object.assign(new Error('closed without an answer'), { code: 'NO_ANSWER' }));
        request.on('response', resolve).on('error', reject).on('close', noAnswer).end(body);
      });
    } catch (cause) {
      const { class: failureClass, message } = toFailure(cause);
      throw new HttpFailure(failureClass, message, elapsed(), { cause });
    }
    const { body: received, failure } = await readBody(response, maxBytes, signal);
    return {
      statusCode: response.statusCode ?? 0,
      headers: joinHeaders(response.headers),
      body: received,
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

type Lookup = (
  hostname: string,
  options: { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** A look-up that fails when any of the addresses is forbidden: one good one among them is no excuse. */
const guarded =
  (lookup: Lookup, exceptions: AddressExceptions): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      const isFine =
        isExceptedHost(hostname, exceptions) ||
        addresses?.every(({ address }) => isAllowedAddress(address, exceptions));
      if (error || !first) callback(error ?? Object.assign(new Error('no address'), { code: 'ENODATA' }), '');
      else if (!isFine) callback(new BlockedAddress(), '');
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };

/** Reads up to `maxBytes` of a body; whatever goes wrong on the way is told beside what came. */
const readBody = async (
  response: http.IncomingMessage,
  maxBytes: number,
  deadline: AbortSignal,
): Promise<{ body: Buffer; failure?: HttpFailureInfo }> => {
  const chunks: Buffer[] = [];
  let length = 0;
  const whole = () => Buffer.concat(chunks);
  try {
    for await (const chunk of decoded(response)) {
      const room = maxBytes - length;
      chunks.push(chunk.subarray(0, room));
      length += Math.min(chunk.length, room);
      if (chunk.length > room) {
        response.destroy();
        return {
          body: whole(),
          failure: { class: 'too_large', message: `the answer is larger than ${maxBytes} bytes` },
        };
      }
    }
    return { body: whole() };
  } catch (cause) {
    response.destroy();
    return { body: whole(), failure: toFailure(deadline.aborted ? deadline.reason : cause) };
  }
};

type Decoder = NodeJS.ReadWriteStream & Readable;

/** We ask for no compression, but some servers compress all the same. */
const decoders: Record<string, (() => Decoder) | undefined> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

const decoded = (response: http.IncomingMessage): AsyncIterable<Buffer> => {
  const encoding = response.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  const createDecoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
  if (!createDecoder) return response;
  const decoder = createDecoder();
  response.on('error', (error) => decoder.destroy(error));
  return decode(response, decoder);
};

const decode = async function* (response: http.IncomingMessage, decoder: Decoder): AsyncGenerator<Buffer> {
  let isEmpty = true;
  response.once('data', () => {
    isEmpty = false;
  });
  try {
    yield* response.pipe(decoder) as AsyncIterable<Buffer>;
  } catch (error) {
    // An empty body is empty, whatever its headers call it; decoders want at least a frame.
    if (isEmpty && response.complete) return;
    throw error;
  }
};

const joinHeaders = (headers: http.IncomingHttpHeaders): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );

const CLASSES: Record<string, FailureClass> = {
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  ENODATA: 'dns',
  BLOCKED_ADDRESS: 'blocked_address',
  ECONNREFUSED: 'connection_refused',
  EHOSTUNREACH: 'connection_refused',
  ENETUNREACH: 'connection_refused',
  EADDRNOTAVAIL: 'connection_refused',
  ETIMEDOUT: 'timeout',
  ABORT_ERR: 'timeout',
  ECONNRESET: 'connection_broken',
  EPIPE: 'connection_broken',
  EPROTO: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls',
  UNABLE_TO_GET_ISSUER_CERT: 'tls',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls',
};

const toFailure = (cause: unknown): HttpFailureInfo => {
  const error = cause instanceof AggregateError && cause.errors.length > 0 ? cause.errors[0] : cause;
  const { code = '', name = '' } = error as { code?: string; name?: string };
  const failureClass = CLASSES[code] ?? guess(code, name);
  return { class: failureClass, message: code || name || 'unknown error' };
};

const guess = (code: string, name: string): FailureClass => {
  if (name === 'AbortError' || name === 'TimeoutError') return 'timeout';
  if (code.startsWith('CERT_') || code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL')) return 'tls';
  return 'connection_broken';
};

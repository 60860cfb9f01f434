import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { type Access, createVerifier, namesAccessKey } from './access.ts';
import { isForPort, isFromPage } from './host-header.ts';

/** What DynamoDB takes at most, batches included. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** A request that may be answered. */
export type SdkRequest = { headers: IncomingHttpHeaders; body: Buffer };

/**
 * The front of an endpoint for AWS SDKs: lets a request through if it is a `POST /` to this port of loopback, signed with the
 * instance's own credentials. Web pages (whatever their name resolves to) and other users of this machine get an error with no
 * CORS header.
 * @param service which requests have to be signed for
 */
export const guarded = (
  service: string,
  access: Access,
  answer: (request: SdkRequest, response: ServerResponse) => Promise<void> | void,
): RequestListener => {
  const isSigned = createVerifier(access, service);
  return (request, response) => {
    // What the other side does to its connection concerns no other request.
    request.on('error', () => {});
    response.on('error', () => {});
    const refused = refusal(request, access);
    if (refused !== undefined) return refuse(response, refused);
    readBody(request)
      .then(async (body) => {
        if (body === undefined) return refuse(response, 'RequestEntityTooLarge', 413);
        const { headers } = request;
        if (!isSigned({ headers, body }, Date.now())) return refuse(response, 'InvalidSignatureException');
        await answer({ headers, body }, response);
      })
      .catch(() => response.destroy());
  };
};

/** The name of the error that a request gets before its body is read; undefined for none. */
const refusal = ({ method, url, headers, socket }: IncomingMessage, access: Access): string | undefined => {
  if (isFromPage(headers) || !isForPort(headers, socket.localPort)) return 'AccessDeniedException';
  if (method !== 'POST' || url !== '/') return 'UnknownOperationException';
  if (headers.authorization === undefined) return 'MissingAuthenticationTokenException';
  return namesAccessKey(headers, access) ? undefined : 'UnrecognizedClientException';
};

const refuse = (response: ServerResponse, type: string, status = 403): void => {
  // The rest of the request is not read: the connection can't be used again.
  response
    .writeHead(status, { 'content-type': 'application/x-amz-json-1.0', connection: 'close' })
    .end(JSON.stringify({ __type: type, message: 'This endpoint only answers the instance that it belongs to.' }));
};

/** @returns undefined when it is too large */
const readBody = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/** A request whose body was read already, for a listener that reads it itself. */
export const replay = ({ headers, body }: SdkRequest): IncomingMessage =>
  Object.assign(Readable.from(body.length === 0 ? [] : [body]), {
    method: 'POST',
    url: '/',
    headers,
  }) as IncomingMessage;

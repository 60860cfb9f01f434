import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type Access, createVerifier, namesAccessKey } from './access.ts';
import { isForPort, isFromPage } from './host-header.ts';

/** Maximum request size of DynamoDB (batches). */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** A verified request. */
export type SdkRequest = { headers: IncomingHttpHeaders; body: Buffer };

/**
 * Guards an endpoint for AWS SDKs: `answer` is only called for a `POST /` to this loopback port, signed with the instance's
 * credentials. Web pages (even with DNS rebinding) and other users of this machine get an error without CORS headers.
 * @param service the service that requests must be signed for
 */
export const guarded = (
  service: string,
  access: Access,
  answer: (request: SdkRequest, response: ServerResponse) => Promise<void> | void,
): RequestListener => {
  const isSigned = createVerifier(access, service);
  return (request, response) => {
    // Connection errors must not crash the process.
    request.on('error', () => {});
    response.on('error', () => {});
    const errorType = checkHeaders(request, access);
    if (errorType !== undefined) return refuse(response, errorType);
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

/** @returns the error type if the request is refused before its body is read */
const checkHeaders = ({ method, url, headers, socket }: IncomingMessage, access: Access): string | undefined => {
  if (isFromPage(headers) || !isForPort(headers, socket.localPort)) return 'AccessDeniedException';
  if (method !== 'POST' || url !== '/') return 'UnknownOperationException';
  if (headers.authorization === undefined) return 'MissingAuthenticationTokenException';
  return namesAccessKey(headers, access) ? undefined : 'UnrecognizedClientException';
};

const refuse = (response: ServerResponse, type: string, status = 403): void => {
  // The connection is closed, because the rest of the request may not have been read.
  response
    .writeHead(status, { 'content-type': 'application/x-amz-json-1.0', connection: 'close' })
    .end(JSON.stringify({ __type: type, message: 'This endpoint only serves its own Boomerang instance.' }));
};

/** @returns undefined if it is too large */
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

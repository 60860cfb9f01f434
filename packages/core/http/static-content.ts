import type { ApiResponse, Headers } from './api-handler.ts';
import { matchesEtag } from './etag.ts';

/** A page, script or document that is the same for every caller. */
export type StaticContent = {
  type: string;
  /** Identifies the content. */
  digest: string;
  plain: () => string;
  /** The content with gzip, in base64. */
  gzip: () => string;
  headers?: Record<string, string>;
};

/** Responds to a request for static content: 304 if the caller has it, with gzip if the caller accepts that. */
export const serveStatic = (
  { type, digest, plain, gzip, headers: ownHeaders }: StaticContent,
  request: Headers,
): ApiResponse => {
  // Weak, because the plain and the compressed response share it.
  const etag = `W/"${digest}"`;
  const headers = { 'content-type': type, 'cache-control': 'no-cache', vary: 'accept-encoding', etag, ...ownHeaders };
  if (matchesEtag(request['if-none-match'], etag)) return { statusCode: 304, headers };
  if (!acceptsGzip(request['accept-encoding'])) return { statusCode: 200, headers, text: plain() };
  return { statusCode: 200, headers: { ...headers, 'content-encoding': 'gzip' }, base64: gzip() };
};

/** Whether a client accepts gzip: it is listed without `q=0` (RFC 9110 §12.5.3). A client without the header may not. */
export const acceptsGzip = (acceptEncoding = ''): boolean =>
  acceptEncoding
    .split(',')
    .some((coding) => /^\s*(?:gzip|x-gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*$)[\d.]+\s*)?$/i.test(coding));

/** Whether a client accepts gzip (RFC 9110 §12.5.3). Without the header it may not. */
export const acceptsGzip = (acceptEncoding = ''): boolean =>
  acceptEncoding
    .split(',')
    .some((coding) => /^\s*(?:gzip|x-gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*$)[\d.]+\s*)?$/i.test(coding));

/** Whether If-None-Match names a weak ETag (RFC 9110 §13.1.2). */
export const includesEtag = (ifNoneMatch = '', etag: string): boolean =>
  ifNoneMatch.split(',').some((one) => ['*', etag, etag.replace('W/', '')].includes(one.trim()));

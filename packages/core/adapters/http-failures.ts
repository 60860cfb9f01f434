import type { FailureClass } from '../contracts/task-failure.ts';
import type { HttpFailureInfo } from '../ports/http.ts';

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
  EAFNOSUPPORT: 'connection_refused',
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
  BAD_STATUS_LINE: 'bad_answer',
  UNASKED_UPGRADE: 'bad_answer',
  // Node rejected the request before sending anything.
  ERR_INVALID_CHAR: 'internal',
  ERR_HTTP_INVALID_HEADER_VALUE: 'internal',
  ERR_INVALID_HTTP_TOKEN: 'internal',
  ERR_UNESCAPED_CHARACTERS: 'internal',
  ERR_INVALID_PROTOCOL: 'internal',
  ERR_INVALID_URL: 'internal',
};

/**
 * Classifies a network error of Node.
 * @param cause any error; its message is not used, because it may contain addresses
 */
export const toFailure = (cause: unknown): HttpFailureInfo => {
  const { code: anyCode, name = '' } = (cause ?? {}) as { code?: unknown; name?: string };
  // A DOMException, such as the deadline's, has a numeric code.
  const code = typeof anyCode === 'string' ? anyCode : '';
  return { class: CLASSES[code] ?? guessClass(code, name), message: code || name || 'unknown error' };
};

const guessClass = (code: string, name: string): FailureClass => {
  if (name === 'AbortError' || name === 'TimeoutError') return 'timeout';
  if (name === 'URIError') return 'internal';
  // llhttp: the response is not valid HTTP.
  if (code.startsWith('HPE_')) return 'bad_answer';
  if (code.startsWith('CERT_') || code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL')) return 'tls';
  return 'connection_broken';
};

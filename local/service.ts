import type { RequestListener } from 'node:http';
import type { Access } from './access.ts';
import { guarded } from './guarded-endpoint.ts';

/** A response of the AWS JSON protocols. Errors have a status of at least 400, and `__type` in their body. */
export type Answer = { status: number; body: string };

/**
 * An embedded AWS service. Requests and responses are the JSON texts that an SDK exchanges with the real service, so that
 * nothing is shared by reference, and sizes are those on the wire.
 * @param operation name of the API operation, for example `GetItem`
 */
export type Service = (operation: string, body: string) => Promise<Answer>;

/** Whether a text is longer than `maxBytes` in UTF-8. */
export const exceeds = (text: string, maxBytes: number): boolean =>
  // A UTF-16 code unit takes up to three bytes.
  text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;

/** The response of a successful call. */
export const succeeded = (output: unknown): Answer => ({ status: 200, body: JSON.stringify(output) });

/** The response of a call that the service rejects. */
export const rejected = (__type: string, message?: string): Answer => ({
  status: 400,
  body: JSON.stringify({ __type, message }),
});

/**
 * Serves a service over HTTP, to requests signed with these credentials.
 * @param name the service's name in signatures
 * @param target the prefix of its operations in the header `x-amz-target`
 */
export const serve = (
  { name, target, contentType }: { name: string; target: string; contentType: string },
  access: Access,
  service: Service,
): RequestListener =>
  guarded(name, access, async ({ headers, body }, response) => {
    const [prefix, operation = ''] = String(headers['x-amz-target']).split('.');
    const { status, body: answer } =
      prefix === target ? await service(operation, body.toString('utf8')) : rejected('UnknownOperationException');
    response
      .writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(answer) })
      .end(answer);
  });

import { readFileSync } from 'node:fs';
import { matchesPath } from '@boomerang/core/http/routes.ts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

type Content = Record<string, { schema?: object }>;
type Operation = {
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content; headers?: object }>;
};
type Document = { paths: Record<string, Record<string, Operation>> };

/** An exchange violates the OpenAPI document. */
class ContractBroken extends Error {
  override name = 'ContractBroken';
}

const PROBLEM = '#/components/schemas/Problem';

/**
 * A fetch that checks every exchange against the OpenAPI document: status, content type, headers and body of each response, and
 * the body of each accepted request.
 * @param fetch sends the requests
 */
export const contractOf = (api: 'service' | 'providers', baseUrl: string, fetch = globalThis.fetch) => {
  const document = JSON.parse(readFileSync(`docs/openapi/${api}.json`, 'utf8')) as Document;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, api);
  const check = (pointer: string, value: unknown, exchange: string): void => {
    const validate = ajv.compile({ $ref: `${api}${pointer}` });
    if (!validate(value))
      throw new ContractBroken(`${exchange}: ${ajv.errorsText(validate.errors)}: ${JSON.stringify(value)}`);
  };
  const pointerTo = (...keys: string[]) =>
    `#/${keys.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;

  return async (path: string, init: RequestInit = {}): Promise<Response> => {
    const answer = await fetch(`${baseUrl}${path}`, init);
    const method = (init.method ?? 'GET').toLowerCase();
    const pattern = findPattern(Object.keys(document.paths), path.split('?')[0] ?? '');
    const operation = pattern === undefined ? undefined : document.paths[pattern]?.[method];
    const exchange = `${method} ${path} ${answer.status}`;
    const text = await answer.clone().text();
    const type = answer.headers.get('content-type') ?? '';
    if (!pattern || !operation) {
      if (![404, 405].includes(answer.status)) throw new ContractBroken(`${exchange}: the document has no such route`);
      check(PROBLEM, JSON.parse(text), exchange);
      return answer;
    }
    const response = operation.responses[answer.status];
    const mediaType = type.split(';')[0] ?? '';
    if (!response) throw new ContractBroken(`${exchange}: the document has no such status`);
    if (!response.content) {
      if (text !== '') throw new ContractBroken(`${exchange}: has a body`);
      return answer;
    }
    if (!response.content[mediaType]) throw new ContractBroken(`${exchange}: the document has no content type ${type}`);
    for (const [name, header] of Object.entries(response.headers ?? {})) {
      if (header.required && !answer.headers.has(name)) throw new ContractBroken(`${exchange}: has no ${name}`);
    }
    const at = ['paths', pattern, method];
    const value: unknown = mediaType.endsWith('json') ? JSON.parse(text) : text;
    check(pointerTo(...at, 'responses', String(answer.status), 'content', mediaType, 'schema'), value, exchange);
    if (answer.ok && operation.requestBody) {
      const form = init.body instanceof URLSearchParams ? init.body : undefined;
      const sentType = form ? 'application/x-www-form-urlencoded' : 'application/json';
      const sent: unknown = form ? Object.fromEntries(form) : JSON.parse(String(init.body));
      check(pointerTo(...at, 'requestBody', 'content', sentType, 'schema'), sent, `${exchange}: its request`);
    }
    return answer;
  };
};

const findPattern = (patterns: string[], path: string): string | undefined =>
  patterns.includes(path) ? path : patterns.find((pattern) => matchesPath(pattern, path));

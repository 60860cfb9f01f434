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

/** The exchange is not what the API's document says. */
class ContractBroken extends Error {
  override name = 'ContractBroken';
}

const PROBLEM = '#/components/schemas/Problem';

/**
 * A fetch that holds every exchange with an API to the API's document: statuses, content types, headers, bodies; and of the
 * requests those that were taken.
 * @param fetch what sends
 */
export const contractOf = (api: 'service' | 'providers', baseUrl: string, fetch = globalThis.fetch) => {
  const document = JSON.parse(readFileSync(`docs/openapi/${api}.json`, 'utf8')) as Document;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, api);
  const check = (pointer: string, value: unknown, what: string): void => {
    const validate = ajv.compile({ $ref: `${api}${pointer}` });
    if (!validate(value))
      throw new ContractBroken(`${what}: ${ajv.errorsText(validate.errors)}: ${JSON.stringify(value)}`);
  };
  const pointerTo = (...keys: string[]) =>
    `#/${keys.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;

  return async (path: string, init: RequestInit = {}): Promise<Response> => {
    const answer = await fetch(`${baseUrl}${path}`, init);
    const method = (init.method ?? 'GET').toLowerCase();
    const pattern = findPattern(Object.keys(document.paths), path.split('?')[0] ?? '');
    const operation = pattern === undefined ? undefined : document.paths[pattern]?.[method];
    const what = `${method} ${path} ${answer.status}`;
    const text = await answer.clone().text();
    const type = answer.headers.get('content-type') ?? '';
    if (!pattern || !operation) {
      if (![404, 405].includes(answer.status)) throw new ContractBroken(`${what}: the document knows no such route`);
      check(PROBLEM, JSON.parse(text), what);
      return answer;
    }
    const response = operation.responses[answer.status];
    const mediaType = type.split(';')[0] ?? '';
    if (!response) throw new ContractBroken(`${what}: the document knows no such status`);
    if (!response.content) {
      if (text !== '') throw new ContractBroken(`${what}: has a body`);
      return answer;
    }
    if (!response.content[mediaType]) throw new ContractBroken(`${what}: the document knows no ${type} of it`);
    for (const [name, header] of Object.entries(response.headers ?? {})) {
      if (header.required && !answer.headers.has(name)) throw new ContractBroken(`${what}: has no ${name}`);
    }
    const at = ['paths', pattern, method];
    const value: unknown = mediaType.endsWith('json') ? JSON.parse(text) : text;
    check(pointerTo(...at, 'responses', String(answer.status), 'content', mediaType, 'schema'), value, what);
    if (answer.ok && operation.requestBody) {
      const form = init.body instanceof URLSearchParams ? init.body : undefined;
      const sentType = form ? 'application/x-www-form-urlencoded' : 'application/json';
      const sent: unknown = form ? Object.fromEntries(form) : JSON.parse(String(init.body));
      check(pointerTo(...at, 'requestBody', 'content', sentType, 'schema'), sent, `${what}: its request`);
    }
    return answer;
  };
};

const findPattern = (patterns: string[], path: string): string | undefined =>
  patterns.includes(path) ? path : patterns.find((pattern) => matchesPath(pattern, path));

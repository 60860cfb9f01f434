import { catalogueSchema } from '@boomerang/core/domain/catalogue/catalogue.ts';
import * as z from 'zod';

/**
 * JSON Schema of the catalogue file, for editors: generated from the zod schema, with a description of each field. Rules between
 * fields are missing; `npm run providers -- check` checks them.
 */

/** Descriptions by path. `*` is any name. Alternatives (`oneOf`, `anyOf`) share the paths of their fields. */
const DESCRIPTIONS: Readonly<Record<string, string>> = {
  $schema: 'Location of this schema, for editors.',
  providers: 'The providers that jobs may name.',
  'providers.id': 'Identifier used in jobs: lower-case letters, digits and "-", at most 40 characters.',
  'providers.title': 'Display name.',
  'providers.description': 'Description of its data, for people.',
  'providers.parameters': 'Parameters that jobs may set: a JSON Schema 2020-12 of flat scalars.',
  'providers.parameters.type': 'Always "object".',
  'providers.parameters.title': 'Display name.',
  'providers.parameters.description': 'Description for people.',
  'providers.parameters.required': 'Names of the required parameters.',
  'providers.parameters.properties': 'Parameters by name.',
  'providers.parameters.properties.*': 'One parameter.',
  'providers.parameters.properties.*.type': 'JSON type. Values are not converted: "5" is not an integer.',
  'providers.parameters.properties.*.title': 'Display name.',
  'providers.parameters.properties.*.description': 'Its meaning, for people.',
  'providers.parameters.properties.*.enum': 'The allowed values.',
  'providers.parameters.properties.*.const': 'The only allowed value.',
  'providers.parameters.properties.*.pattern': 'A regular expression (ECMA-262, flag u), not anchored. For strings.',
  'providers.parameters.properties.*.format': 'Format of a string. It is validated.',
  'providers.parameters.properties.*.minLength': 'Minimum length of a string, in characters.',
  'providers.parameters.properties.*.maxLength': 'Maximum length of a string, in characters.',
  'providers.parameters.properties.*.minimum': 'Minimum of a number.',
  'providers.parameters.properties.*.maximum': 'Maximum of a number.',
  'providers.parameters.properties.*.exclusiveMinimum': 'Exclusive minimum of a number.',
  'providers.parameters.properties.*.exclusiveMaximum': 'Exclusive maximum of a number.',
  'providers.parameters.properties.*.multipleOf': 'A number must be a multiple of this.',
  'providers.parameters.properties.*.default': 'Sent if a job sets no value.',
  'providers.parameters.properties.*.examples': 'Valid values, shown to callers.',
  'providers.parameters.properties.*.writeOnly':
    'Sent to the provider but never shown: "***" in responses, masked in excerpts.',
  'providers.parameters.properties.*.as': 'Its name in the query, if it differs from the name of the parameter.',
  'providers.parameters.additionalProperties': 'Unknown parameters are always refused.',
  'providers.method': 'POST needs idempotencyHeader or "repeatable": true.',
  'providers.url':
    'URL of the request: an RFC 6570 template with {x} (one value), {?a,b} (a query) and {&a,b} (a continued query). The origin must be literal.',
  'providers.headers': 'Constant headers.',
  'providers.headers.*': 'Value of the header.',
  'providers.body': 'JSON body of a POST. A string that consists of {x} is replaced by that parameter, with its type.',
  'providers.idempotencyHeader':
    'Header for an idempotency key. A repeated POST of the same job carries the same value.',
  'providers.repeatable': 'Whether a POST may safely arrive twice.',
  'providers.auth': 'How requests authenticate. The secret itself is stored in SSM, or in the environment.',
  'providers.auth.kind':
    'header (the default), query, basic (HTTP Basic) or oauth2 (client credentials, RFC 6749 §4.4).',
  'providers.auth.header': 'The header that carries the secret.',
  'providers.auth.prefix': 'Text before the secret, such as "Bearer ".',
  'providers.auth.secret': 'The name of the secret, not its value.',
  'providers.auth.parameter': 'The query parameter that carries the secret.',
  'providers.auth.username': 'User name for HTTP Basic. The secret is the password.',
  'providers.auth.tokenUrl': 'The token endpoint.',
  'providers.auth.clientId': 'Client id. The secret is the client secret.',
  'providers.auth.scope': 'Scopes to request, separated by spaces.',
  'providers.auth.audience': 'Audience to request.',
  'providers.auth.clientAuth':
    'Whether client id and secret are sent to the token endpoint as HTTP Basic or in the body.',
  'providers.pagination': 'How to find the next page. The items of all pages are joined into one array.',
  'providers.pagination.kind': 'link, next-url, cursor, page or offset.',
  'providers.pagination.itemsAt': 'JSON Pointer to the array of items in a page. "" is the whole response.',
  'providers.pagination.maxPages': 'Maximum number of pages. More are an error; data is never truncated.',
  'providers.pagination.hasMoreAt': 'JSON Pointer to a boolean that is false on the last page.',
  'providers.pagination.nextUrlAt': 'JSON Pointer to the URL of the next page.',
  'providers.pagination.cursorAt': 'JSON Pointer to the cursor of the next page.',
  'providers.pagination.lastItemAt':
    'Instead of cursorAt: JSON Pointer, within the last item of a page, to the cursor of the next page.',
  'providers.pagination.parameter': 'The query parameter of the cursor, page number or offset.',
  'providers.pagination.firstPage': 'The number of the first page.',
  'providers.pagination.pageSize': 'Items per page, by which the offset grows.',
  'providers.polling': 'For providers that accept a request and deliver the result later.',
  'providers.polling.statusUrl': 'URL to poll: from the Location header, at a JSON Pointer, or from a template.',
  'providers.polling.statusUrl.from': 'The Location header of the response.',
  'providers.polling.statusUrl.at': 'JSON Pointer to the URL.',
  'providers.polling.statusUrl.template': 'A template like url, on the same origin, with {id} from the response.',
  'providers.polling.statusUrl.idAt': 'JSON Pointer to the value of {id}.',
  'providers.polling.statusAt': 'JSON Pointer to the state. Without it, any 200 or 303 means that the work is done.',
  'providers.polling.pending': 'States in which the provider is still working.',
  'providers.polling.succeeded': 'States in which the result is available.',
  'providers.polling.failed': 'States in which the work has permanently failed.',
  'providers.polling.resultUrlAt': 'JSON Pointer to the URL of the result, if the result is not in the response.',
  'providers.polling.intervalSeconds': 'Interval between polls, unless the provider requests a longer one.',
  'providers.polling.timeoutSeconds': 'How long to poll before the work is abandoned.',
  'providers.responses':
    'How to interpret statuses that do not have their HTTP meaning: by status ("404") or class ("4xx").',
  'providers.responses.*':
    'data, empty (the data is null), refused (permanently), unavailable (retry) or throttled (retry later).',
  'providers.bodyErrors': 'Errors in responses with a success status. The first match counts.',
  'providers.bodyErrors.at': 'JSON Pointer to the value that signals the error.',
  'providers.bodyErrors.in': 'The values that signal the error. Absent: any value except null.',
  'providers.bodyErrors.means': 'How to interpret the response.',
  'providers.rateLimitReset': 'A header that, like Retry-After, says when to retry.',
  'providers.rateLimitReset.header': 'Name of the header.',
  'providers.rateLimitReset.unit': 'Seconds from now, seconds since 1970 (epoch), or a date.',
  'providers.dataAt': 'JSON Pointer to the part of the response to deliver.',
  'providers.timeoutMs': 'Timeout of a call, milliseconds. With pagination, of each page.',
  'providers.maxBytes': 'Maximum size of a response, all pages together.',
  'providers.concurrency': 'Maximum concurrent calls. Absent: no limit.',
  'providers.ratePerSecond': 'Maximum calls per second. Absent: no limit.',
};

type Node = { [key: string]: unknown };

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);

const nodesOf = (value: unknown): Node[] => (Array.isArray(value) ? value : [value]).filter(isNode);

/** Adds the descriptions. Throws for a field without a description, and for a description without a field. */
const describe = (root: Node): Node => {
  const used = new Set<string>();
  const visit = (node: Node, path: string): Node => {
    const described = { ...node };
    for (const key of ['oneOf', 'anyOf']) {
      if (node[key] !== undefined) described[key] = nodesOf(node[key]).map((part) => visit(part, path));
    }
    if (isNode(node.items)) described.items = visit(node.items, path);
    if (isNode(node.properties)) {
      described.properties = Object.fromEntries(
        Object.entries(node.properties).map(([name, part]) => [
          name,
          field(part as Node, path === '' ? name : `${path}.${name}`),
        ]),
      );
    }
    if (isNode(node.additionalProperties))
      described.additionalProperties = field(node.additionalProperties, `${path}.*`);
    return described;
  };
  const field = (node: Node, path: string): Node => {
    const description = DESCRIPTIONS[path];
    if (description === undefined) throw new Error(`${path} has no description`);
    used.add(path);
    return { description, ...visit(node, path) };
  };
  const described = visit(root, '');
  const stale = Object.keys(DESCRIPTIONS).filter((path) => !used.has(path));
  if (stale.length > 0) throw new Error(`descriptions of unknown fields: ${stale.join(', ')}`);
  return described;
};

const toSchema = (): Node => {
  const {
    $schema,
    $defs: _json,
    ...schema
  } = z.toJSONSchema(catalogueSchema, {
    io: 'input',
    target: 'draft-2020-12',
    override: ({ jsonSchema }) => {
      // URLs may contain placeholders, which are not valid URIs.
      if (jsonSchema.format === 'uri') delete jsonSchema.format;
      // The only reference is to zod's recursive JSON type: allow any JSON.
      if (jsonSchema.$ref !== undefined) delete jsonSchema.$ref;
    },
  });
  return { $schema, title: 'Provider catalogue of Boomerang', ...describe(schema) };
};

export const catalogueDocument = toSchema();

import { catalogueSchema } from '@boomerang/core/domain/catalogue/catalogue.ts';
import * as z from 'zod';

/**
 * JSON Schema of a catalogue's file, for editors: from the schema that validates it, with a description of each field. Rules
 * between fields are not in it: `npm run providers -- check` has them.
 */

/** By path; alternatives share the descriptions of their fields, and `*` is any name. */
const DESCRIPTIONS: Readonly<Record<string, string>> = {
  $schema: 'Where this schema is, for editors.',
  providers: 'The third parties that a job may ask.',
  'providers.id': 'What callers name it by: lower-case letters, digits and "-", at most 40 characters.',
  'providers.title': 'Its name for people.',
  'providers.description': 'What it gives, for people.',
  'providers.parameters': 'What callers may give it: JSON Schema 2020-12 of flat scalars.',
  'providers.parameters.type': 'Always "object".',
  'providers.parameters.title': 'A name for people.',
  'providers.parameters.description': 'For people.',
  'providers.parameters.required': 'The parameters that each request must have.',
  'providers.parameters.properties': 'Parameters by name.',
  'providers.parameters.properties.*': 'One parameter.',
  'providers.parameters.properties.*.type': 'Values are not converted: "5" is no integer.',
  'providers.parameters.properties.*.title': 'Its name for people.',
  'providers.parameters.properties.*.description': 'What it means, for people.',
  'providers.parameters.properties.*.enum': 'The only values that it takes.',
  'providers.parameters.properties.*.const': 'The only value that it takes.',
  'providers.parameters.properties.*.pattern': 'A regular expression (ECMA-262, flag u), not anchored. For strings.',
  'providers.parameters.properties.*.format': 'A format that is checked. For strings.',
  'providers.parameters.properties.*.minLength': 'In characters. For strings.',
  'providers.parameters.properties.*.maxLength': 'In characters. For strings.',
  'providers.parameters.properties.*.minimum': 'For numbers.',
  'providers.parameters.properties.*.maximum': 'For numbers.',
  'providers.parameters.properties.*.exclusiveMinimum': 'For numbers.',
  'providers.parameters.properties.*.exclusiveMaximum': 'For numbers.',
  'providers.parameters.properties.*.multipleOf': 'For numbers.',
  'providers.parameters.properties.*.default': 'Sent where a job gives no value.',
  'providers.parameters.properties.*.writeOnly':
    'Sent to the provider and never shown: "***" in answers, masked in excerpts.',
  'providers.parameters.properties.*.as': 'Its name in {?…} and {&…}, where that differs.',
  'providers.parameters.additionalProperties': 'Unknown parameters are always refused.',
  'providers.method': 'POST needs idempotencyHeader or "repeatable": true.',
  'providers.url':
    'Where the request goes: an RFC 6570 template of {x} (one value), {?a,b} (a query) and {&a,b} (more of a query). Its origin is literal.',
  'providers.headers': 'Constant headers.',
  'providers.headers.*': 'The value of a constant header.',
  'providers.body': 'The JSON of a POST. A string that is {x} as a whole becomes that parameter, with its type.',
  'providers.idempotencyHeader': 'A header whose value stays the same however often the POST of one job is sent.',
  'providers.repeatable': 'Whether a POST may arrive twice without harm.',
  'providers.auth': 'How requests prove who sends them. The secret itself is in SSM, or in the environment.',
  'providers.auth.kind':
    'header (the default), query, basic (HTTP Basic) or oauth2 (client credentials, RFC 6749 §4.4).',
  'providers.auth.header': 'The header that carries the secret.',
  'providers.auth.prefix': 'What stands before the secret: "Bearer ".',
  'providers.auth.secret': 'The name of the secret, not its value.',
  'providers.auth.parameter': 'The query parameter that carries the secret.',
  'providers.auth.username': 'The user name of HTTP Basic; the secret is the password.',
  'providers.auth.tokenUrl': 'Where tokens are asked for.',
  'providers.auth.clientId': 'Our id at the token endpoint; the secret is the client secret.',
  'providers.auth.scope': 'The scopes to ask for, separated by blanks.',
  'providers.auth.audience': 'The audience to ask for.',
  'providers.auth.clientAuth': 'Whether the token endpoint takes id and secret as HTTP Basic or in the body.',
  'providers.pagination': 'How the next page is found. The items of all pages become one array.',
  'providers.pagination.kind': 'link, next-url, cursor, page or offset.',
  'providers.pagination.itemsAt': 'JSON Pointer to the array of each page; "" is the whole answer.',
  'providers.pagination.maxPages': 'More pages than these are an error, never cut off.',
  'providers.pagination.hasMoreAt': 'JSON Pointer to a boolean that is false on the last page.',
  'providers.pagination.nextUrlAt': 'JSON Pointer to the URL of the next page.',
  'providers.pagination.cursorAt': 'JSON Pointer to the cursor of the next page.',
  'providers.pagination.lastItemAt':
    'Instead of cursorAt: JSON Pointer, within the last item of a page, to the cursor of the next page.',
  'providers.pagination.parameter': 'The query parameter of the cursor, page number or offset.',
  'providers.pagination.firstPage': 'The number of the first page.',
  'providers.pagination.pageSize': 'How many items a page has: what the offset grows by.',
  'providers.polling': 'For providers that accept work and give the result later.',
  'providers.polling.statusUrl': 'Where the state of the work is: in the Location header, at a pointer, or a template.',
  'providers.polling.statusUrl.from': 'The Location header of the answer.',
  'providers.polling.statusUrl.at': 'JSON Pointer to the URL.',
  'providers.polling.statusUrl.template': 'A template like url, on the same origin, with {id} of the answer.',
  'providers.polling.statusUrl.idAt': 'JSON Pointer to the value of {id}.',
  'providers.polling.statusAt': 'JSON Pointer to the state. Without it any 200 or 303 ends the work.',
  'providers.polling.pending': 'States of work that goes on.',
  'providers.polling.succeeded': 'States of work that has its result.',
  'providers.polling.failed': 'States of work that has failed for good.',
  'providers.polling.resultUrlAt': 'JSON Pointer to the URL of the result, where that is not in the answer.',
  'providers.polling.intervalSeconds': 'How long to wait between two questions, unless the provider asks for longer.',
  'providers.polling.timeoutSeconds': 'When the work is given up.',
  'providers.responses': 'How statuses are read where that differs from HTTP: by status ("404") or class ("4xx").',
  'providers.responses.*':
    'data, empty (the data is null), refused (for good), unavailable (try again) or throttled (try again later).',
  'providers.bodyErrors': 'Answers with a status of success that are errors; the first that matches counts.',
  'providers.bodyErrors.at': 'JSON Pointer to what tells the error.',
  'providers.bodyErrors.in': 'The values that tell it; absent: any but null.',
  'providers.bodyErrors.means': 'How the answer is read.',
  'providers.rateLimitReset': 'A header that says, like Retry-After, when to come back.',
  'providers.rateLimitReset.header': 'Its name.',
  'providers.rateLimitReset.unit': 'Seconds from now, seconds since 1970 (epoch), or a date.',
  'providers.dataAt': 'JSON Pointer to what of the answer is delivered.',
  'providers.timeoutMs': 'The deadline of a call, milliseconds; of each page, where there are pages.',
  'providers.maxBytes': 'The largest answer that is taken, all pages together.',
  'providers.concurrency': 'How many calls it takes at once; absent: any number.',
  'providers.ratePerSecond': 'How many calls it takes in a second; absent: any number.',
};

type Node = { [key: string]: unknown };

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);

const nodesOf = (value: unknown): Node[] => (Array.isArray(value) ? value : [value]).filter(isNode);

/** Adds the descriptions; each must have its place, and each field its description. */
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
  if (stale.length > 0) throw new Error(`descriptions of what is not in the schema: ${stale.join(', ')}`);
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
      // Placeholders stand in URLs before they are filled.
      if (jsonSchema.format === 'uri') delete jsonSchema.format;
      // Any JSON.
      if (jsonSchema.$ref !== undefined) delete jsonSchema.$ref;
    },
  });
  return { $schema, title: 'Provider catalogue of Boomerang', ...describe(schema) };
};

export const catalogueDocument = toSchema();

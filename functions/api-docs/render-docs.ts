import { STYLE } from './style.ts';

type Schema = Record<string, unknown> & { $ref?: string; properties?: Record<string, Schema>; items?: Schema };
type Content = Record<string, { schema?: Schema; example?: unknown }>;
type Methods = Record<string, Operation>;
type Operation = {
  summary?: string;
  description?: string;
  security?: unknown[];
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[];
  requestBody?: { content: Content };
  responses: Record<string, { description: string; content?: Content }>;
};

/** The parts of an OpenAPI 3.1 document that are rendered. */
export type OpenApiDocument = {
  info: { title: string; version: string; description?: string };
  paths: Record<string, Methods>;
  /** Requests that the API sends. */
  webhooks?: Record<string, Methods>;
  components?: { schemas?: Record<string, Schema> };
};

/** Renders a document as one HTML page without scripts or external resources. All text from the document is escaped. */
export const renderDocs = ({ info, paths, webhooks = {}, components = {} }: OpenApiDocument): string => {
  const operations = Object.entries({ ...paths, ...webhooks }).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const contents = operations.map(
    ({ path, method, operation }) =>
      `<li><a href="#${anchor(method, path)}"><code>${method} ${escapeHtml(path)}</code></a> ${escapeHtml(operation.summary)}</li>`,
  );
  const schemas = Object.entries(components.schemas ?? {}).map(
    ([name, schema]) =>
      `<section id="${anchor('schema', name)}"><h3>${escapeHtml(name)}</h3>${paragraph(schema.description)}${properties(schema)}</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(info.title)}</title><style>${STYLE}</style></head>
<body><header><h1>${escapeHtml(info.title)}</h1><p>Version ${escapeHtml(info.version)} · <a href="openapi.json">OpenAPI 3.1</a></p>${paragraph(info.description)}</header>
<nav aria-label="Operations"><ul>${contents.join('')}</ul></nav>
<main>${operations.map(section).join('\n')}
<h2>Schemas</h2>${schemas.join('\n')}</main></body>
</html>
`;
};

const section = ({ path, method, operation }: { path: string; method: string; operation: Operation }): string => {
  const { summary, description, security, parameters = [], requestBody, responses } = operation;
  const rows = parameters.map(({ name, in: location, required, description: text, schema }) => [
    `<code>${escapeHtml(name)}</code>${required ? ' *' : ''}`,
    escapeHtml(location),
    describeType(schema),
    escapeHtml(text ?? schema?.description),
  ]);
  const answers = Object.entries(responses).map(([status, response]) => [
    `<code>${escapeHtml(status)}</code>`,
    escapeHtml(response.description),
    describeContent(response.content),
  ]);
  return `<section id="${anchor(method, path)}"><h2><span class="method">${method}</span> <code>${escapeHtml(path)}</code></h2>
<p><strong>${escapeHtml(summary)}</strong>${credentialBadge(security)}</p>${paragraph(description)}
${rows.length > 0 ? `<h3>Parameters</h3>${table(['Name', 'In', 'Type', ''], rows)}` : ''}
${requestBody ? `<h3>Body</h3><p>${describeContent(requestBody.content)}</p>${exampleOf(requestBody.content)}` : ''}
<h3>Answers</h3>${table(['Status', '', 'Body'], answers)}</section>`;
};

/** The credential that an operation requires: an API key by default, an access token if it overrides `security`. */
const credentialBadge = (security: unknown[] | undefined): string => {
  if (security?.length === 0) return '';
  return ` <span class="key">${security === undefined ? 'API key' : 'Access token'}</span>`;
};

const describeContent = (content: Content = {}): string =>
  Object.entries(content)
    .map(([type, { schema }]) => `<code>${escapeHtml(type)}</code> ${describeType(schema)}`)
    .join('<br>');

const exampleOf = (content: Content): string => {
  const example = Object.values(content)[0]?.example;
  return example === undefined ? '' : `<pre><code>${escapeHtml(JSON.stringify(example, null, 2))}</code></pre>`;
};

const properties = (schema: Schema): string => {
  const required = new Set(schema.required as string[] | undefined);
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) => [
    `<code>${escapeHtml(name)}</code>${required.has(name) ? ' *' : ''}`,
    describeType(property),
    escapeHtml(property.description),
  ]);
  return rows.length > 0 ? table(['Property', 'Type', ''], rows) : `<p>${describeType(schema)}</p>`;
};

const CONSTRAINTS = ['format', 'minLength', 'maxLength', 'minItems', 'maxItems', 'minimum', 'maximum', 'default'];

/** A schema in one line. Named schemas become links, so that recursive schemas terminate. */
const describeType = (schema: Schema | undefined): string => {
  if (!schema) return '';
  const name = schema.$ref?.split('/').at(-1);
  if (name !== undefined) return `<a href="#${anchor('schema', name)}">${escapeHtml(name)}</a>`;
  const options = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (options) return options.map(describeType).join(' or ');
  if (schema.items) return `list of ${describeType(schema.items)}${constraints(schema)}`;
  if (schema.enum) return (schema.enum as unknown[]).map((value) => `<code>${escapeHtml(value)}</code>`).join(' ');
  if (schema.const !== undefined) return `<code>${escapeHtml(schema.const)}</code>`;
  if (schema.properties) return `object: ${Object.keys(schema.properties).map(escapeHtml).join(', ')}`;
  return `${escapeHtml(schema.type ?? 'anything')}${constraints(schema)}`;
};

const constraints = (schema: Schema): string =>
  CONSTRAINTS.filter((name) => schema[name] !== undefined)
    .map((name) => ` <small>${name} ${escapeHtml(schema[name])}</small>`)
    .join('');

const table = (head: string[], rows: string[][]): string =>
  `<table><thead><tr>${head.map((cell) => `<th scope="col">${cell}</th>`).join('')}</tr></thead><tbody>${rows
    .map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`)
    .join('')}</tbody></table>`;

const paragraph = (text: unknown): string => (text === undefined ? '' : `<p>${escapeHtml(text)}</p>`);

const anchor = (kind: string, name: string): string => `${kind}-${name}`.replace(/[^\w]+/g, '-').toLowerCase();

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escapeHtml = (value: unknown = ''): string => String(value).replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);

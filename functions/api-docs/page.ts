import { createHash } from 'node:crypto';

/**
 * The page of an API's document: RapiDoc, and a script that loads the document into it.
 *
 * The script drops the patterns of strings that have a format, because they hide the rest, and changes each `example` of a body
 * into `examples`, because RapiDoc fails on an `example` with a property that is null. It adds the style sheet to the shadow
 * trees of RapiDoc's elements. On phones the style sheet shows descriptions below the types, and wraps long lines.
 */

const STYLE = `
@media (max-width: 600px) {
  .tr { flex-wrap: wrap; }
  .table .key, .table .key-type { width: auto; flex: 1 1 0; min-width: 0; }
  .key-descr, .expanded-descr .key-descr { display: block; flex: 1 0 100%; padding: 0 4px 6px 16px; }
  .request-panel .row, .resp-panel .row, .tab-buttons { flex-wrap: wrap; row-gap: 6px; }
  .m-table td { overflow-wrap: anywhere; }
  .m-table { display: block; overflow-x: auto; }
  .m-markdown pre, pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  section, .regular-font { overflow-wrap: anywhere; }
}`;

const ATTRIBUTES = {
  'render-style': 'read',
  'schema-style': 'table',
  'default-schema-tab': 'schema',
  'schema-description-expanded': 'true',
  'allow-schema-description-expand-toggle': 'false',
  'schema-hide-write-only': 'false',
  'show-header': 'false',
  'show-method-in-nav-bar': 'as-colored-text',
  'allow-server-selection': 'false',
  'allow-spec-url-load': 'false',
  'allow-spec-file-load': 'false',
  'load-fonts': 'false',
  'regular-font': 'system-ui, sans-serif',
  'mono-font': 'ui-monospace, monospace',
  'persist-auth': 'false',
  'fetch-credentials': 'omit',
};

const SCRIPT = `
const sheet = new CSSStyleSheet();
sheet.replaceSync(${JSON.stringify(STYLE)});
for (const tag of ['rapi-doc', 'api-request', 'api-response', 'schema-table']) customElements.get(tag).elementStyles.push(sheet);
const adapt = (key, value) => {
  if (!value || typeof value !== 'object') return value;
  const { pattern, example, ...rest } = value;
  if (value.format && pattern) return { ...rest, ...('example' in value && { example }) };
  return value.schema && 'example' in value ? { ...rest, examples: { example: { value: example } } } : value;
};
const base = new URL('.', location.href).href.replace(/\\/$/, '');
const answer = await fetch(base + '/openapi.json');
const loaded = JSON.parse(await answer.text(), adapt);
const element = document.createElement('rapi-doc');
for (const [name, value] of Object.entries(${JSON.stringify(ATTRIBUTES)})) element.setAttribute(name, value);
element.setAttribute('theme', matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
document.body.replaceChildren(element);
element.loadSpec({ ...loaded, servers: [{ url: base }] });
`;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** RapiDoc sets style attributes and adds style elements. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `script-src 'self' ${hashOf(SCRIPT)}`,
  "style-src 'unsafe-inline'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** @param renderer file name of the renderer, below `docs/` */
export const createPage = (title: string, renderer: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<script src="docs/${renderer}" defer></script>
<script type="module">${SCRIPT}</script>
</head>
<body>
<noscript><h1>${escapeHtml(title)}</h1><p>This page needs JavaScript. The document itself: <a href="openapi.json">openapi.json</a>.</p></noscript>
</body>
</html>
`;

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign);

import { createHash } from 'node:crypto';

/**
 * The page of an API's document: RapiDoc, and a script that loads the document into it.
 *
 * The script drops the patterns of strings that have a format, because they hide the rest, and changes each `example` of a body
 * into `examples`, because RapiDoc fails on an `example` with a property that is null. It adds the style sheet to the shadow
 * trees of RapiDoc's elements. The style sheet raises the contrast of colors to WCAG AA, and on phones shows descriptions below
 * the types and wraps long lines.
 *
 * Each step below keeps the page's longest task short on a phone:
 * - Requests and responses are drawn when they come near the screen, each in a task of its own. Pressing Ctrl or Cmd draws the rest,
 *   because the browser's search finds only what is drawn.
 * - The browser skips the layout of operations that are off screen.
 * - RapiDoc reads the document in one task, and draws it in another.
 * - The script resolves the document's references and copies its security requirements to the operations, because the library
 *   that does this for RapiDoc is larger than the rest of it (tools/docs-page/build.ts leaves it out).
 */

const STYLE = `
:host { --light-fg: light-dark(#626262, #a3a3a3); --fg3: light-dark(#626262, #a3a3a3); --red: light-dark(#b3231f, #ff8f89);
  --green: light-dark(#3d6b00, #7ec699); --blue: light-dark(#0b66a0, #71b7ff); --orange: light-dark(#8a5200, #f08d49);
  --nav-post-color: #a9d65c; --nav-delete-color: #ff9d97; --nav-get-color: #71c5ff; }
#api-info { margin-left: 0 !important; }
.expanded-endpoint-body { content-visibility: auto; contain-intrinsic-size: auto 200vh; }
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
const near = new IntersectionObserver(async (entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) {
    draw(target);
    await new Promise((resolve) => setTimeout(resolve));
  }
}, { rootMargin: '600px' });
const waiting = new Map();
const draw = (element) => {
  near.unobserve(element);
  waiting.get(element)?.();
  waiting.delete(element);
};
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey) for (const element of [...waiting.keys()]) draw(element);
});
for (const tag of ['api-request', 'api-response']) {
  const { prototype } = customElements.get(tag);
  const { updated } = prototype;
  prototype.scheduleUpdate = async function () {
    if (!this.hasUpdated) await new Promise((resolve) => {
      this.style.cssText = 'display:block;min-height:100vh';
      waiting.set(this, resolve);
      near.observe(this);
    });
    this.style.minHeight = '';
    this.performUpdate();
  };
  prototype.updated = function (changes) {
    updated?.call(this, changes);
    for (const field of this.renderRoot.querySelectorAll('input, select, textarea')) {
      field.ariaLabel ??= field.dataset.pname ?? (field.matches('textarea') ? 'Request body' : 'Media type or example');
    }
  };
}
const base = new URL('.', location.href).href.replace(/\\/$/, '');
const response = await fetch(base + '/openapi.json');
const loaded = JSON.parse(await response.text(), adapt);
const resolved = new Set();
const resolveReferences = (value) => {
  if (!value || typeof value !== 'object' || resolved.has(value)) return value;
  if (typeof value.$ref === 'string')
    return resolveReferences(value.$ref.slice(2).split('/').reduce((parent, name) => parent[name], loaded));
  resolved.add(value);
  for (const [key, child] of Object.entries(value)) value[key] = resolveReferences(child);
  return value;
};
for (const operations of Object.values(loaded.paths))
  for (const operation of Object.values(operations)) operation.security ??= loaded.security;
const element = document.createElement('rapi-doc');
for (const [name, value] of Object.entries(${JSON.stringify(ATTRIBUTES)})) element.setAttribute(name, value);
const isDark = matchMedia('(prefers-color-scheme: dark)').matches;
element.setAttribute('theme', isDark ? 'dark' : 'light');
element.setAttribute('nav-text-color', '#c9ccd1');
element.setAttribute('primary-color', isDark ? '#a5a2ff' : '#4a45c9');
document.body.replaceChildren(element);
element.scheduleUpdate = async () => {
  await new Promise((resolve) => setTimeout(resolve));
  element.performUpdate();
};
element.addEventListener('spec-loaded', () => delete element.scheduleUpdate, { once: true });
element.loadSpec({ ...resolveReferences(loaded), servers: [{ url: base }] });
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
<meta name="description" content="${escapeHtml(`${title}: every route, its parameters, bodies and responses`)}">
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

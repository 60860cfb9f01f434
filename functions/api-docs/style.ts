/** Follows the reader's light or dark color scheme. */
export const STYLE = `
:root{color-scheme:light dark;--line:light-dark(#d8dce2,#333a45);--soft:light-dark(#f4f6f8,#1b2028);--accent:light-dark(#0b5cad,#7db7f5)}
body{font:16px/1.55 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:2rem 1.25rem 6rem}
h1{margin:0;font-size:2rem}h2{margin:3rem 0 .5rem;font-size:1.3rem;border-top:1px solid var(--line);padding-top:1.5rem}h3{margin:1.25rem 0 .35rem;font-size:1rem}
code{font:.92em ui-monospace,monospace}pre{background:var(--soft);padding:.75rem 1rem;border-radius:.5rem;overflow-x:auto}a{color:var(--accent)}nav ul{list-style:none;padding:1rem 1.25rem;background:var(--soft);border-radius:.5rem}
nav li{margin:.2rem 0}table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}th{text-align:left;font-weight:600}
th,td{padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}small{opacity:.8}
.method{font:600 .85em ui-monospace,monospace;background:var(--accent);color:light-dark(#fff,#10151c);padding:.15em .5em;border-radius:.3em}
.key{font-size:.8rem;border:1px solid var(--line);border-radius:1em;padding:.1em .7em}`;

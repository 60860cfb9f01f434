/** A link of a `Link` header field (RFC 8288). */
export type WebLink = {
  /** As sent: a URL, often relative. */
  target: string;
  /** Relation types in lower case. */
  relations: readonly string[];
  /** The link's context as sent, if it is not the resource itself. */
  anchor?: string;
};

/**
 * Parses a `Link` header field (RFC 8288, appendix B.2) in linear time for any input. If a parameter is repeated, the first
 * one counts.
 *
 * @param field several fields are joined by commas
 * @returns undefined for a malformed field, because a link in the rest of it could be missed
 */
export const parseLinks = (field: string): WebLink[] | undefined => {
  const links: WebLink[] = [];
  let at = matchAt(EMPTY_ELEMENTS, field, 0)?.[0].length ?? 0;
  while (at < field.length) {
    const target = matchAt(TARGET, field, at);
    if (!target) return undefined;
    at += target[0].length;
    const parameters = new Map<string, string>();
    for (let next = matchAt(PARAMETER, field, at); next; next = matchAt(PARAMETER, field, at)) {
      const [whole, name = '', quoted, token = ''] = next;
      const key = name.toLowerCase();
      if (!parameters.has(key)) parameters.set(key, quoted?.replaceAll(/\\(.)/gs, '$1') ?? token);
      at += whole.length;
    }
    const end = matchAt(END_OF_LINK, field, at);
    if (!end) return undefined;
    at += end[0].length;
    const anchor = parameters.get('anchor');
    const relations = (parameters.get('rel') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    links.push({ target: target[1] ?? '', relations, ...(anchor !== undefined && { anchor }) });
  }
  return links;
};

const EMPTY_ELEMENTS = /[\s,]*/y;
const TARGET = /<([^<>]*)>/y;
/** `;name`, `;name=token` or `;name="quoted"`; the name may be missing. */
const PARAMETER = /\s*;\s*([^\s;,="]*)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?/sy;
const END_OF_LINK = /\s*(?:,[\s,]*|$)/y;

const matchAt = (pattern: RegExp, text: string, at: number): RegExpExecArray | null => {
  pattern.lastIndex = at;
  return pattern.exec(text);
};

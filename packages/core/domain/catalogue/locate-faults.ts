import { type Node, parseTree } from 'jsonc-parser';
import { positionOf } from '../json-position.ts';
import type { CatalogueFault } from './fault.ts';

/**
 * Adds the position in the catalogue file to faults. Not used by functions, whose bundles leave out the parser it needs.
 *
 * @param text the file's JSON
 * @returns the faults with line and column, in the order of the file; a missing value has the position of its parent
 */
export const locateFaults = (text: string, faults: readonly CatalogueFault[]): CatalogueFault[] => {
  // Faults of the JSON itself already have positions, and such a text may be nested too deeply to parse.
  const root = faults.every(({ line }) => line !== undefined) ? undefined : parseTree(text);
  const located = faults.map((fault) => {
    if (fault.line !== undefined || !root) return fault;
    return { ...fault, ...positionOf(text, nodeAt(root, fault).offset) };
  });
  return located.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
};

/** Finds duplicate keys. JSON.parse keeps the last one, which a reader of the file may miss. */
export const findRepeatedKeys = (text: string): CatalogueFault[] => {
  const faults: CatalogueFault[] = [];
  const visit = (node: Node, path: CatalogueFault['path']): void => {
    if (node.type === 'array')
      for (const [index, item] of (node.children ?? []).entries()) visit(item, [...path, index]);
    if (node.type !== 'object') return;
    const seen = new Set<string>();
    for (const { children: [name, value] = [] } of node.children ?? []) {
      if (!name || !value) continue;
      const key = String(name.value);
      if (seen.has(key)) {
        faults.push({ path, key, message: `Duplicate key "${key}"`, ...positionOf(text, name.offset) });
      }
      seen.add(key);
      visit(value, [...path, key]);
    }
  };
  const root = parseTree(text);
  if (root) visit(root, []);
  return faults;
};

/** The node of a fault, or its nearest existing ancestor. */
const nodeAt = (root: Node, { path, key }: CatalogueFault): Node => {
  let node = root;
  for (const step of path) {
    const next = node.type === 'array' ? node.children?.[Number(step)] : propertyOf(node, String(step))?.[1];
    if (!next) return node;
    node = next;
  }
  return (key === undefined ? undefined : propertyOf(node, key)?.[0]) ?? node;
};

/** Name and value of a property; the last one if it is repeated. */
const propertyOf = (node: Node, name: string): Node[] | undefined =>
  node.type === 'object'
    ? node.children?.findLast(({ children }) => children?.[0]?.value === name)?.children
    : undefined;

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readTemplate } from '../../local/template.ts';

type Manifest = {
  version: string;
  workspaces: string[];
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
};
type LockedPackage = { version?: string; hasInstallScript?: boolean; deprecated?: string };

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
const manifest = readJson('package.json') as Manifest;
const lock = readJson('package-lock.json') as { version: string; packages: Record<string, LockedPackage> };
const packages = Object.entries(lock.packages);

describe('the installed packages', () => {
  /** `node_modules/a/node_modules/@b/c` is `@b/c`. */
  const nameOf = (folder: string): string => folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);

  test('with install scripts are exactly those that package.json allows or denies', () => {
    const withScripts = packages.filter(([, { hasInstallScript }]) => hasInstallScript);
    const names = new Set(withScripts.map(([folder]) => nameOf(folder)));
    expect(Object.keys(manifest.allowScripts).sort()).toEqual([...names].sort());
  });

  test('are not deprecated', () => {
    const deprecated = packages.filter(([, locked]) => locked.deprecated);
    expect(deprecated.map(([folder, locked]) => `${folder}: ${locked.deprecated}`)).toEqual([]);
  });

  // .npmrc hides these warnings. The dry run changes nothing and works offline.
  test('support the Node version of the scripts, without peer conflicts', () => {
    const PATH = `${path.resolve('node_modules/.bin')}${path.delimiter}${process.env.PATH}`;
    const { stderr, status } = spawnSync('npm', ['install', '--dry-run', '--offline', '--loglevel=warn'], {
      encoding: 'utf8',
      env: { ...process.env, PATH },
    });
    expect(stderr.split('\n').filter((line) => /EBADENGINE|ERESOLVE|install-scripts/.test(line))).toEqual([]);
    expect(status).toBe(0);
  }, 60_000);
});

describe('versions', () => {
  test('are the same in every manifest and in the newest changelog entry', () => {
    const [, newest] = /^## (\d+\.\d+\.\d+)/m.exec(readFileSync('CHANGELOG.md', 'utf8')) ?? [];
    const declared = manifest.workspaces.map((folder) => (readJson(`${folder}/package.json`) as Manifest).version);
    const locked = ['', ...manifest.workspaces].map((folder) => lock.packages[folder]?.version);
    for (const version of [newest, lock.version, ...declared, ...locked]) expect(version).toBe(manifest.version);
  });

  test('of Node are the same in .nvmrc, the functions, the scripts and the types', () => {
    const major = readFileSync('.nvmrc', 'utf8').trim();
    const { Function: globals } = readTemplate('template.yaml').Globals as { Function: { Runtime: string } };
    expect(globals.Runtime).toBe(`nodejs${major}.x`);
    for (const name of ['node', '@types/node']) expect(manifest.devDependencies[name]?.split('.')[0]).toBe(major);
  });
});

describe('the documents', () => {
  const inFolder = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name));
  const documents = [...readdirSync('.'), ...inFolder('docs')].filter((name) => name.endsWith('.md'));

  const withoutCode = (text: string): string => text.replaceAll(/^ *```.*?^ *```/gms, '').replaceAll(/`[^`\n]*`/g, '');

  const headingsOf = (file: string): string[] => {
    const text = readFileSync(file, 'utf8').replaceAll(/^ *```.*?^ *```/gms, '');
    return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  };

  /** The anchors that GitHub derives from a document's headings. */
  const anchorsOf = (file: string): string[] =>
    headingsOf(file).map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );

  test.each(documents)('%s links to files and headings that exist', (document) => {
    const text = withoutCode(readFileSync(document, 'utf8'));
    const links = [...text.matchAll(/\]\(([^()\s]+)\)|^\[[^\]\n]+\]:\s*(\S+)/gm)].map(
      ([, inline, defined]) => inline ?? defined ?? '',
    );
    const dead = links.filter((link) => {
      if (/^[a-z]+:/.test(link)) return false;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? document : path.join(path.dirname(document), file);
      return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
    });
    expect(dead).toEqual([]);
  });

  test.each(documents)('%s defines exactly the link references that it uses', (document) => {
    const text = withoutCode(readFileSync(document, 'utf8'));
    const defined = [...text.matchAll(/^\[([^\]\n]+)\]:/gm)].map(([, name = '']) => name);
    const full = [...text.matchAll(/\]\[([^\]\n]+)\]/g)].map(([, name = '']) => name);
    const bracketed = [...text.matchAll(/(?<!\])\[([^[\]\n]+)\](?![([:])/g)].map(([, name = '']) => name);
    const shortcuts = bracketed.filter((name) => defined.includes(name));
    expect([...new Set([...full, ...shortcuts])].sort()).toEqual(defined.sort());
  });
});

/** GitHub's rules for issue forms. It reports violations only on its own pages. */
describe('the issue form', () => {
  type Element = { type: string; id?: string; attributes: { label?: string; value?: string; options?: string[] } };
  const folder = '.github/ISSUE_TEMPLATE';
  const forms = readdirSync(folder).filter((file) => file !== 'config.yml');

  test.each(forms)("%s follows GitHub's rules", (file) => {
    const form = parse(readFileSync(`${folder}/${file}`, 'utf8')) as Record<string, unknown> & { body: Element[] };
    expect(form).toMatchObject({ name: expect.any(String), description: expect.any(String) });
    const inputs = form.body.filter(({ type }) => type !== 'markdown');
    expect(inputs.length).toBeGreaterThan(0);
    const ids = inputs.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { type, id, attributes } of inputs) {
      expect(['input', 'textarea', 'dropdown', 'checkboxes']).toContain(type);
      expect(id).toMatch(/^[\w-]+$/);
      expect(attributes.label).toEqual(expect.any(String));
      if (type === 'dropdown') expect(new Set(attributes.options).size).toBe(attributes.options?.length);
    }
  });
});

test('Dependabot updates packages and actions weekly', () => {
  const { version, updates } = parse(readFileSync('.github/dependabot.yml', 'utf8'));
  expect(version).toBe(2);
  expect(updates).toEqual([
    expect.objectContaining({ 'package-ecosystem': 'npm', directory: '/', schedule: { interval: 'weekly' } }),
    expect.objectContaining({
      'package-ecosystem': 'github-actions',
      directory: '/',
      schedule: { interval: 'weekly' },
    }),
  ]);
});

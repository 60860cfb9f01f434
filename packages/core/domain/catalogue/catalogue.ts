import * as z from 'zod';
import { findJsonError, findTooDeep } from '../json-position.ts';
import { isRecord } from '../json-values.ts';
import { explainIssue } from './explain-issue.ts';
import { type CatalogueFault, describeFault } from './fault.ts';
import { providerFaults } from './provider-rules.ts';
import { type Provider, providerSchema } from './provider-schema.ts';

/** How to explain schema issues, and how to find faults between a provider's fields. */
type Checks = {
  explain: (issue: z.core.$ZodIssue, root: unknown) => CatalogueFault[];
  findFaults: (provider: Provider, faulty?: ReadonlySet<string>) => CatalogueFault[];
};

/** The providers, by id. */
export type Catalogue = ReadonlyMap<string, Provider>;

/** An invalid catalogue. The message lists every fault in one line. */
export class InvalidCatalogue extends Error {
  override name = 'InvalidCatalogue';
  /** Empty if the file can't be read. */
  readonly faults: readonly CatalogueFault[];
  constructor(message: string, options: ErrorOptions & { faults?: readonly CatalogueFault[] } = {}) {
    super(message, options);
    this.faults = options.faults ?? [];
  }
}

/** The catalogue file. */
export const catalogueSchema = z.strictObject({
  /** Used by editors. */
  $schema: z.string().optional(),
  providers: z.array(providerSchema).min(1),
});

/** Checks everything but the providers. These are parsed one by one, so that faults in one do not hide faults in another. */
const documentSchema = z.strictObject({ ...catalogueSchema.shape, providers: z.array(z.unknown()).min(1) });

type Placeholders = Readonly<Record<string, string | undefined>>;

/**
 * Reads a provider catalogue.
 *
 * @param text the catalogue's JSON
 * @param placeholders values of `${NAME}` in its strings
 * @throws InvalidCatalogue with every fault: invalid JSON, a placeholder without a value, an unknown key, a value out of
 * range, fields that conflict, a duplicate id
 */
export const parseCatalogue = (text: string, placeholders: Placeholders): Catalogue =>
  parseWith({ explain: explainIssue, findFaults: providerFaults }, text, placeholders);

/**
 * Reads a catalogue that was checked before deployment. Like `parseCatalogue`, but without the rules between fields and the
 * readable messages: 14 KiB of code that functions do not need.
 */
export const parseDeployedCatalogue = (text: string, placeholders: Placeholders): Catalogue =>
  parseWith(
    {
      explain: ({ path, message }) => [{ path: path as CatalogueFault['path'], message }],
      findFaults: () => [],
    },
    text,
    placeholders,
  );

const parseWith = (checks: Checks, text: string, placeholders: Placeholders): Catalogue => {
  const { value, faults, unset } = fillPlaceholders(parseJson(text), placeholders);
  const document = documentSchema.safeParse(value);
  faults.push(...(document.error?.issues ?? []).flatMap((issue) => checks.explain(issue, value)));
  const providers: Provider[] = [];
  const seen = new Set<unknown>();
  for (const [index, entry] of entriesOf(value).entries()) {
    const path = ['providers', index];
    const { provider, faults: found } = readProvider(checks, entry, unset.get(index) ?? []);
    faults.push(...found.map((fault) => ({ ...fault, path: [...path, ...fault.path] })));
    if (provider) providers.push(provider);
    const id = isRecord(entry) ? entry.id : undefined;
    if (id !== undefined && seen.has(id)) faults.push({ path: [...path, 'id'], message: `Duplicate id "${id}"` });
    seen.add(id);
  }
  if (faults.length > 0) throw new InvalidCatalogue(faults.map(describeFault).join('; '), { faults });
  return new Map(providers.map((provider) => [provider.id, provider]));
};

/** Maximum nesting, because all code that reads a catalogue recurses. Only the bodies of requests can nest deeply. */
const MAX_DEPTH = 64;

const parseJson = (text: string): unknown => {
  const tooDeep = findTooDeep(text, MAX_DEPTH);
  if (tooDeep) {
    const { line, column } = tooDeep;
    const message = `Must be nested at most ${MAX_DEPTH} levels deep`;
    const faults = [{ path: [], message, line, column }];
    throw new InvalidCatalogue(`line ${line}, column ${column}: ${message}`, { faults });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const { line = 1, column = 1 } = findJsonError(text) ?? {};
    // Removes the text that V8 quotes, which may contain a password and line breaks.
    const reason = (cause as Error).message.replace(/(?:, (?:\.\.\.)?"| in JSON at| after JSON at).*/s, '');
    const faults = [{ path: [], message: `Must be JSON: ${reason}`, line, column }];
    throw new InvalidCatalogue(`it is not JSON: line ${line}, column ${column}: ${reason}`, { cause, faults });
  }
};

const entriesOf = (value: unknown): unknown[] =>
  isRecord(value) && Array.isArray(value.providers) ? value.providers : [];

/**
 * Parses a provider, or finds everything that is wrong with it.
 *
 * @param unset paths of strings with placeholders without a value, which are already reported
 */
const readProvider = (
  { explain, findFaults }: Checks,
  entry: unknown,
  unset: readonly CatalogueFault['path'][],
): { provider?: Provider; faults: readonly CatalogueFault[] } => {
  const parsed = providerSchema.safeParse(entry);
  if (parsed.success && unset.length === 0) {
    const faults = findFaults(parsed.data);
    return faults.length > 0 ? { faults } : { provider: parsed.data, faults };
  }
  const unsetPaths = new Set(unset.map((path) => path.join('.')));
  const schemaFaults = (parsed.error?.issues ?? []).flatMap((issue) => explain(issue, entry));
  const reported = schemaFaults.filter(({ path }) => !unsetPaths.has(path.join('.')));
  if (!isRecord(entry)) return { faults: reported };
  const { rest, faulty } = withoutFaulty(entry, [...schemaFaults, ...unset.map((path) => ({ path, message: '' }))]);
  const valid = providerSchema.safeParse(rest);
  const ruleFaults = valid.success ? findFaults(valid.data, faulty) : [];
  // Unknown keys come last, as in Zod's order.
  return { faults: [...reported.filter(({ key }) => !key), ...ruleFaults, ...reported.filter(({ key }) => key)] };
};

/**
 * The valid remainder of a provider, on which the rules between fields run, so that all faults are reported together. A
 * faulty parameter stays declared. A faulty header is left out.
 */
const withoutFaulty = (
  entry: Record<string, unknown>,
  faults: readonly CatalogueFault[],
): { rest: Record<string, unknown>; faulty: ReadonlySet<string> } => {
  const faulty = new Set<string>();
  const parameters = new Set<string>();
  const headers = new Set<string>();
  for (const { path, key } of faults) {
    // An unknown key of the provider has an empty path, and a header with an invalid name the path `headers`.
    const [field = key, part = key, name] = path;
    if (path[0] === 'parameters' && part === 'properties' && name !== undefined) parameters.add(String(name));
    else if (path[0] === 'headers' && part !== undefined) headers.add(String(part));
    else faulty.add(String(field));
  }
  const rest = Object.fromEntries(Object.entries(entry).filter(([name]) => !faulty.has(name)));
  if (parameters.size > 0 && !faulty.has('parameters')) {
    const schema = rest.parameters as { properties: Record<string, unknown> };
    const standIns = [...parameters].map((name) => [name, { type: 'string', default: 'x' }]);
    rest.parameters = { ...schema, properties: { ...schema.properties, ...Object.fromEntries(standIns) } };
  }
  if (headers.size > 0 && !faulty.has('headers')) {
    const valid = Object.entries(rest.headers as Record<string, unknown>).filter(([name]) => !headers.has(name));
    rest.headers = Object.fromEntries(valid);
  }
  return { rest: { ...STAND_INS, ...rest }, faulty };
};

/** Values for required fields that are missing or faulty. */
const STAND_INS = { id: 'x', url: 'https://provider.example' };

/**
 * Fills placeholders in strings.
 *
 * @returns `faults`: placeholders without a value, which are left unchanged; `unset`: their paths by provider index
 */
const fillPlaceholders = (
  document: unknown,
  placeholders: Placeholders,
): { value: unknown; faults: CatalogueFault[]; unset: Map<number, CatalogueFault['path'][]> } => {
  const faults: CatalogueFault[] = [];
  const unset = new Map<number, CatalogueFault['path'][]>();
  const fill = (text: string, path: CatalogueFault['path']): string =>
    text.replace(/\$\{(\w+)\}/g, (placeholder, name: string) => {
      const value = Object.hasOwn(placeholders, name) ? placeholders[name] : undefined;
      if (value) return value;
      faults.push({ path, message: `\${${name}} is used here, but ${name} is not set` });
      const [, index, ...rest] = path;
      if (typeof index === 'number') unset.set(index, [...(unset.get(index) ?? []), rest]);
      return placeholder;
    });
  const visit = (value: unknown, path: CatalogueFault['path']): unknown => {
    if (typeof value === 'string') return fill(value, path);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item, index) => visit(item, [...path, index]));
    const filled: Record<string, unknown> = {};
    for (const [key, part] of Object.entries(value)) {
      if (key === '__proto__') faults.push({ path, key, message: `Must not have the key "${key}"` });
      else filled[key] = visit(part, [...path, key]);
    }
    return filled;
  };
  return { value: visit(document, []), faults, unset };
};

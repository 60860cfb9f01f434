import { UsageError } from '../../cli/usage-error.ts';

const pascalCase = (stem: string): string =>
  stem.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());
const camelCase = (stem: string): string => stem.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** @throws UsageError unless the name is a noun and a verb in kebab-case */
export const checkStem = (stem: string): string => {
  if (/^[a-z]+(-[a-z]+)+$/.test(stem)) return stem;
  throw new UsageError(`"${stem}" must be a noun and a verb in lower case, such as job-archive.`);
};

/** The files of a new function, by path: a handler, its schema, its use case, a test and a fixture. */
export const newFiles = (stem: string): Record<string, string> => {
  const words = stem.split('-');
  const useCase = [words.at(-1), ...words.slice(0, -1)].join('-');
  const [name, type] = [camelCase(useCase), pascalCase(useCase)];
  return {
    [`functions/${stem}/handler.ts`]: `import { createLog } from '@boomerang/core/observability/logger.ts';
import { type ${type}Deps, ${name} } from './${useCase}.ts';
import { ${name}RequestSchema } from './schema.ts';

export const createHandler =
  (deps: ${type}Deps) =>
  async (event: unknown): Promise<Record<string, never>> => {
    await ${name}(deps, ${name}RequestSchema.parse(event));
    return {};
  };

export const handler = createHandler({ log: createLog('${stem}') });
`,
    [`functions/${stem}/schema.ts`]: `import * as z from 'zod';

export const ${name}RequestSchema = z.object({ jobId: z.uuid() });

export type ${type}Request = z.infer<typeof ${name}RequestSchema>;
`,
    [`functions/${stem}/${useCase}.ts`]: `import type { Log } from '@boomerang/core/observability/logger.ts';
import type { ${type}Request } from './schema.ts';

export type ${type}Deps = { log: Log };

// TODO: do the work.
export const ${name} = async ({ log }: ${type}Deps, { jobId }: ${type}Request): Promise<void> => {
  log.info('Function ran', { jobId });
};
`,
    [`tests/unit/${useCase}.test.ts`]: `import { expect, test } from '@jest/globals';
import { ${name} } from '../../functions/${stem}/${useCase}.ts';
import { aLog } from '../builders.ts';

test('logs the job', async () => {
  const log = aLog();
  await ${name}({ log }, { jobId: '01a20b4c-cf47-716b-85d8-5343742576b8' });
  expect(log.lines).toMatchObject([{ message: 'Function ran' }]);
});
`,
    [`events/${stem}/example.json`]: `{ "jobId": "01a20b4c-cf47-716b-85d8-5343742576b8" }
`,
  };
};

type Insertion = { file: string; after: string; before: string; text: string };

/** What a new function adds to files that exist: each text goes before the first `before` that follows `after`. */
const insertions = (stem: string): Insertion[] => [
  {
    file: 'template.yaml',
    after: '\nResources:',
    before: '  # ------------------------------------------------------------------ Orchestration',
    text: `  # TODO: say what it does.
  ${pascalCase(stem)}Function:
    Type: AWS::Serverless::Function
    Metadata: *esbuild
    Properties:
      CodeUri: functions/${stem}
      LoggingConfig: { LogGroup: !Ref ${pascalCase(stem)}LogGroup }

`,
  },
  { file: 'template.yaml', after: 'LogGroup: &logs', before: '\n\n', text: `\n  ${pascalCase(stem)}LogGroup: *logs` },
  {
    file: 'tests/event-expectations.ts',
    after: 'export const expectations',
    before: '};\n',
    text: `  '${stem}/example': returns({}),\n`,
  },
  { file: 'tests/function-world.ts', after: 'const deps:', before: '\n  };\n', text: `\n    '${stem}': {},` },
];

/**
 * The existing files that a new function changes, with their new texts.
 * @param read returns the text of a file
 * @throws Error if a file has no place for the text
 */
export const editedFiles = (stem: string, read: (file: string) => string): Record<string, string> => {
  const files: Record<string, string> = {};
  for (const { file, after, before, text } of insertions(stem)) {
    const old = files[file] ?? read(file);
    const start = old.indexOf(after);
    const at = start < 0 ? -1 : old.indexOf(before, start);
    if (at < 0) throw new Error(`${file}: found no ${JSON.stringify(before)} after ${JSON.stringify(after)}`);
    files[file] = old.slice(0, at) + text + old.slice(at);
  }
  return files;
};

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readArguments } from '../../cli/command.ts';
import { typesOf } from '../../packages/client/generate-types.ts';
import { catalogueDocument } from './catalogue-schema.ts';
import { providersApi } from './providers-api.ts';
import { serviceApi } from './service-api.ts';

/** `npm run openapi`: generates the OpenAPI documents, the catalogue's JSON Schema and the types of the client. */

const ROOT = new URL('../../', import.meta.url);

const toText = (document: object): string => `${JSON.stringify(document, null, 2)}\n`;

const FILES = {
  'docs/openapi/service.json': toText(serviceApi),
  'docs/openapi/providers.json': toText(providersApi),
  'docs/catalogue.schema.json': toText(catalogueDocument),
  'packages/client/api-types.ts': await typesOf(serviceApi),
};

const { values } = readArguments({
  name: 'npm run openapi',
  about: `Writes ${Object.keys(FILES).join(', ')}, generated from the validation schemas.`,
  options: { check: { type: 'boolean', about: 'write nothing, and fail if the committed files are outdated' } },
  examples: { '': 'write the files', '--check': 'as in CI' },
  exitCodes: { 1: 'with --check: a file is outdated' },
});
for (const [name, text] of Object.entries(FILES)) {
  const file = fileURLToPath(new URL(name, ROOT));
  if (!values.check) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${name} is outdated: run npm run openapi`);
    process.exitCode = 1;
  }
}

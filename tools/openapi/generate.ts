import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readArguments } from '../../cli/command.ts';
import { catalogueDocument } from './catalogue-schema.ts';
import { providersApi } from './providers-api.ts';
import { serviceApi } from './service-api.ts';

/** `npm run openapi`: generates the OpenAPI documents and the catalogue's JSON Schema. */

const FOLDER = new URL('../../docs/', import.meta.url);

const DOCUMENTS = {
  'openapi/service.json': serviceApi,
  'openapi/providers.json': providersApi,
  'catalogue.schema.json': catalogueDocument,
};

const { values } = readArguments({
  name: 'npm run openapi',
  about: `Writes ${Object.keys(DOCUMENTS).join(', ')} under docs/, generated from the validation schemas.`,
  options: { check: { type: 'boolean', about: 'write nothing, and fail if the committed documents are outdated' } },
  examples: { '': 'write the documents', '--check': 'as in CI' },
  exitCodes: { 1: 'with --check: a document is outdated' },
});
mkdirSync(new URL('openapi/', FOLDER), { recursive: true });
for (const [name, document] of Object.entries(DOCUMENTS)) {
  const file = fileURLToPath(new URL(name, FOLDER));
  const text = `${JSON.stringify(document, null, 2)}\n`;
  if (!values.check) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`docs/${name} is outdated: run npm run openapi`);
    process.exitCode = 1;
  }
}

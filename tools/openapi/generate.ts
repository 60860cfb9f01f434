import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readArguments } from '../../cli/command.ts';
import { catalogueDocument } from './catalogue-schema.ts';
import { providersApi } from './providers-api.ts';
import { serviceApi } from './service-api.ts';

/** `npm run openapi`: writes the documents of APIs and catalogue; with `--check`, fails where the committed ones differ. */

const FOLDER = new URL('../../docs/', import.meta.url);

const DOCUMENTS = {
  'openapi/service.json': serviceApi,
  'openapi/providers.json': providersApi,
  'catalogue.schema.json': catalogueDocument,
};

const { values } = readArguments({
  name: 'npm run openapi',
  about: `Writes ${Object.keys(DOCUMENTS).join(', ')} under docs/ from the schemas that validate.`,
  options: { check: { type: 'boolean', about: 'write nothing: fail where the committed documents differ' } },
  examples: { '': 'write them', '--check': 'what CI does' },
  exitCodes: { 1: 'with --check: they differ' },
});
mkdirSync(new URL('openapi/', FOLDER), { recursive: true });
for (const [name, document] of Object.entries(DOCUMENTS)) {
  const file = fileURLToPath(new URL(name, FOLDER));
  const text = `${JSON.stringify(document, null, 2)}\n`;
  if (!values.check) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`docs/${name} is not what the schemas say: npm run openapi`);
    process.exitCode = 1;
  }
}

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readArguments } from '../../cli/command.ts';
import { providersApi } from './providers-api.ts';
import { serviceApi } from './service-api.ts';

/** `npm run openapi`: writes the documents of both APIs; with `--check`, fails where the committed ones differ. */

const FOLDER = new URL('../../docs/openapi/', import.meta.url);

const { values } = readArguments({
  name: 'npm run openapi',
  about: 'Writes docs/openapi/service.json and providers.json from the schemas that validate.',
  options: { check: { type: 'boolean', about: 'write nothing: fail where the committed documents differ' } },
  examples: { '': 'write them', '--check': 'what CI does' },
  exitCodes: { 1: 'with --check: they differ' },
});
mkdirSync(FOLDER, { recursive: true });
for (const [name, document] of Object.entries({ service: serviceApi, providers: providersApi })) {
  const file = fileURLToPath(new URL(`${name}.json`, FOLDER));
  const text = `${JSON.stringify(document, null, 2)}\n`;
  if (!values.check) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`docs/openapi/${name}.json is not what the schemas say: npm run openapi`);
    process.exitCode = 1;
  }
}

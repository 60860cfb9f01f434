import path from 'node:path';
import { installPython } from './install.ts';

const REQUIREMENT = 'aws-sam-cli==1.170.0';

/** What npm adds to the path of its scripts, and a person's shell does not have. */
const isOfNpm = (folder: string): boolean => folder.endsWith(path.join('node_modules', '.bin'));

/** The environment in which `sam` is found, and asks nobody for anything: else that of a person who calls it. */
export const samEnvironment = async (): Promise<Record<string, string>> => ({
  PATH: [
    await installPython('sam', REQUIREMENT),
    ...(process.env.PATH ?? '').split(path.delimiter).filter((folder) => !isOfNpm(folder)),
  ].join(path.delimiter),
  SAM_CLI_TELEMETRY: '0',
  AWS_DEFAULT_REGION: 'us-east-1',
});

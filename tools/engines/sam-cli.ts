import path from 'node:path';
import { installPython } from './install.ts';

const REQUIREMENT = 'aws-sam-cli==1.170.0';

/** Folders that npm adds to the PATH of scripts, but that a user's shell does not have. */
const isNpmFolder = (folder: string): boolean => folder.endsWith(path.join('node_modules', '.bin'));

/** The environment variables to run `sam` with: the PATH of a user's shell plus the SAM CLI, and no telemetry. */
export const samEnvironment = async (): Promise<Record<string, string>> => ({
  PATH: [
    await installPython('sam', REQUIREMENT),
    ...(process.env.PATH ?? '').split(path.delimiter).filter((folder) => !isNpmFolder(folder)),
  ].join(path.delimiter),
  SAM_CLI_TELEMETRY: '0',
  AWS_DEFAULT_REGION: 'us-east-1',
});

import path from 'node:path';
import { installPython } from './install.ts';

const REQUIREMENT = 'aws-sam-cli==1.170.0';

/** What npm adds to the path of its scripts, and a person's shell does not have. */
const isOfNpm = (folder: string): boolean => folder.endsWith(path.join('node_modules', '.bin'));

/** What the environment has, so that `sam` is found and sends no telemetry: for the rest, it is as in a person's shell. */
export const samEnvironment = async (): Promise<Record<string, string>> => ({
  PATH: [
    await installPython('sam', REQUIREMENT),
    ...(process.env.PATH ?? '').split(path.delimiter).filter((folder) => !isOfNpm(folder)),
  ].join(path.delimiter),
  SAM_CLI_TELEMETRY: '0',
  AWS_DEFAULT_REGION: 'us-east-1',
});

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createLog } from '@boomerang/core/observability/logger.ts';
import { newAccess } from '../local/access.ts';
import { ensureTables, startDatabase } from '../local/dynamodb.ts';
import { clientOf, findRunning } from '../local/running.ts';
import { readTemplate } from '../local/template.ts';
import { describeStack } from './describe-stack.ts';
import { UsageError } from './usage-error.ts';

/** Access to a deployment. */
export type Stack = {
  outputs: Readonly<Record<string, string>>;
  database: DynamoDBClient;
  close: () => Promise<void>;
};

const STAGES = ['local', 'dev', 'prod'];

/** The deployment does not exist, or can't be reached. */
export class StackNotFound extends Error {
  override name = 'StackNotFound';
}

const TEMPLATE = fileURLToPath(new URL('../template.yaml', import.meta.url));

/** The options of every command that select a deployment. `--stack` implies AWS. */
export const STACK_OPTIONS = {
  stage: {
    type: 'string',
    value: 'stage',
    about: 'local (the default: the embedded cloud on DATA_DIR), dev or prod (on AWS)',
  },
  stack: { type: 'string', value: 'name', about: 'stack on AWS that is not called boomerang-<stage>' },
} as const;

/** The environment variables that these commands read. */
export const STACK_ENVIRONMENT = {
  DATA_DIR: 'data folder of the embedded cloud (.data)',
  'AWS_REGION, AWS_PROFILE, …': 'for stacks on AWS: as for any AWS SDK',
} as const;

export type StackChoice = { stage?: string | undefined; stack?: string | undefined };

/**
 * Opens a deployment, runs `work`, and closes it.
 * @throws UsageError | StackNotFound | DataFolderError
 */
export const withStack = async <T>(choice: StackChoice, work: (stack: Stack) => Promise<T>): Promise<T> => {
  const stack = await openStack(choice);
  try {
    return await work(stack);
  } finally {
    await stack.close();
  }
};

/**
 * Opens a deployment: the embedded cloud on `DATA_DIR`, running or not, or a stack on AWS, selected by name or stage (with
 * credentials and region from the environment).
 * @throws UsageError | StackNotFound | DataFolderError
 */
const openStack = async (choice: StackChoice): Promise<Stack> => {
  const stackName = stackNameOf(choice);
  return stackName === undefined ? openEmbedded(process.env.DATA_DIR ?? '.data') : openOnAws(stackName);
};

/**
 * The name of the chosen stack on AWS; undefined for the embedded cloud.
 * @throws UsageError
 */
export const stackNameOf = ({ stage, stack }: StackChoice): string | undefined => {
  if (stage !== undefined && !STAGES.includes(stage))
    throw new UsageError(`--stage must be one of ${STAGES.join(', ')}`);
  if (stage === 'local' && stack !== undefined)
    throw new UsageError('--stack is for AWS: not allowed with --stage local');
  if (stack !== undefined) return stack;
  return stage === undefined || stage === 'local' ? undefined : `boomerang-${stage}`;
};

const openEmbedded = async (folder: string): Promise<Stack> => {
  const running = await findRunning(folder);
  if (running) {
    const database = clientOf(running.endpoints.dynamodb, running.access);
    return { outputs: running.outputs, database, close: async () => database.destroy() };
  }
  const access = newAccess();
  const { url, close } = await startDatabase(folder, access, createLog('cli'));
  const database = clientOf(url, access);
  const closeAll = async () => {
    database.destroy();
    await close();
  };
  try {
    await ensureTables(database, readTemplate(path.resolve(TEMPLATE)));
  } catch (error) {
    await closeAll();
    throw error;
  }
  return { outputs: { JobTableName: 'JobTable', ClientTableName: 'ClientTable' }, database, close: closeAll };
};

const openOnAws = async (stackName: string): Promise<Stack> => {
  const cloudFormation = new CloudFormationClient();
  try {
    const { outputs } = await describeStack(cloudFormation, stackName);
    const database = new DynamoDBClient();
    return { outputs, database, close: async () => database.destroy() };
  } catch (cause) {
    throw new StackNotFound(`Stack ${stackName}: ${(cause as Error).message}`, { cause });
  } finally {
    cloudFormation.destroy();
  }
};

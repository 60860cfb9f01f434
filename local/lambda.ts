import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Context } from 'aws-lambda';

type Handler = (event: unknown, context: Context) => Promise<unknown>;

/** A function of the template, with intrinsic functions resolved. */
export type FunctionConfig = {
  logicalId: string;
  /** Folder of its code, relative to the template. */
  codeUri: string;
  timeoutSeconds: number;
  memoryMb: number;
  environment: Record<string, string>;
};

export type Lambda = {
  /**
   * Invokes a function. Event and result are not copied, so the caller must pass an event of its own.
   * @throws what the handler throws, or an error named `Lambda.Unknown` on timeout (the handler keeps running)
   */
  invoke: (logicalId: string, event: unknown) => Promise<unknown>;
};

/**
 * Loads functions into this process. Each sees its own environment while it loads, which is when functions read it.
 * @throws Error prefixed with the function's folder, if its module throws
 */
export const loadFunctions = async (root: string, functions: FunctionConfig[]): Promise<Lambda> => {
  const loaded = new Map<string, FunctionConfig & { handler: Handler }>();
  const environment = { ...process.env };
  for (const config of functions) {
    Object.assign(process.env, config.environment, {
      AWS_LAMBDA_FUNCTION_NAME: config.logicalId,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(config.memoryMb),
    });
    try {
      const url = pathToFileURL(path.join(root, config.codeUri, 'handler.ts')).href;
      const { handler } = (await import(url)) as { handler: Handler };
      loaded.set(config.logicalId, { ...config, handler });
    } catch (cause) {
      throw new Error(`${config.codeUri}: ${(cause as Error).message}`, { cause });
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
      Object.assign(process.env, environment);
    }
  }
  return {
    invoke: async (logicalId, event) => {
      const config = loaded.get(logicalId);
      if (!config) throw new Error(`no such function: ${logicalId}`);
      return runWithTimeout(config, (context) => config.handler(event, context));
    },
  };
};

const runWithTimeout = async (
  { logicalId, timeoutSeconds, memoryMb }: FunctionConfig,
  run: (context: Context) => Promise<unknown>,
): Promise<unknown> => {
  const endsAt = Date.now() + timeoutSeconds * 1000;
  const context = {
    functionName: logicalId,
    functionVersion: '$LATEST',
    invokedFunctionArn: functionArn(logicalId),
    memoryLimitInMB: String(memoryMb),
    awsRequestId: randomUUID(),
    getRemainingTimeInMillis: () => Math.max(0, endsAt - Date.now()),
  } as Context;
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new Error(`Task timed out after ${timeoutSeconds}.00 seconds`);
    error.name = 'Lambda.Unknown';
    reject(error);
  }, timeoutSeconds * 1000);
  try {
    return await Promise.race([run(context), timeout]);
  } finally {
    clearTimeout(timer);
  }
};

const ACCOUNT = 'us-east-1:000000000000';

export const functionArn = (logicalId: string): string => `arn:aws:lambda:${ACCOUNT}:function:${logicalId}`;
export const stateMachineArn = (logicalId: string): string => `arn:aws:states:${ACCOUNT}:stateMachine:${logicalId}`;
export const logicalIdOf = (arn: string): string => arn.slice(arn.lastIndexOf(':') + 1);

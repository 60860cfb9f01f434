import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Engine, freePort, ROOT, startServer } from './engine.ts';
import { installPython } from './install.ts';

const REQUIREMENT = 'ministack[full]==1.5.33';

/** Credentials that MiniStack treats as those of the account's root user. */
export const ACCESS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' } as const;

/** @returns the folder of its commands */
export const installMiniStack = async (): Promise<string> => installPython('ministack', REQUIREMENT);

/**
 * Starts MiniStack on a free port, without containers: functions run as processes of this Node.
 * @param env settings of MiniStack. Functions inherit them unless they set the same variable
 */
export const startMiniStack = async (env: Record<string, string> = {}): Promise<Engine> => {
  const bin = await installMiniStack();
  const port = await freePort();
  return startServer('MiniStack', {
    folder: 'ministack',
    port,
    command: path.join(bin, 'python'),
    args: [path.join(ROOT, 'tools/engines/python/ministack-server.py')],
    env: {
      ...ACCESS,
      PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
      NODE_OPTIONS: `--require "${path.join(ROOT, 'tools/engines/lambda-process.cjs')}"`,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      // Overrides the environment: functions run as processes, and no state is kept.
      LAMBDA_EXECUTOR: 'local',
      PERSIST_STATE: '0',
      STATE_DIR: path.join(tmpdir(), 'ministack-state'),
      // Not needed, and its port may be in use.
      IOT_MTLS_ENABLED: 'false',
      ...env,
    },
  });
};

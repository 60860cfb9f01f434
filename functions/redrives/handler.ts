import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { CALL_LIMITS, createAwsClient } from '@boomerang/core/adapters/aws-clients.ts';
import { createDynamoFindCaller } from '@boomerang/core/adapters/dynamo/clients.ts';
import { createDynamoJobList } from '@boomerang/core/adapters/dynamo/job-reader.ts';
import { createDynamoRedriveIntake } from '@boomerang/core/adapters/dynamo/redrives.ts';
import { createSfnStartSweep } from '@boomerang/core/adapters/sfn-start-execution.ts';
import { readSettings } from '@boomerang/core/config/settings.ts';
import { type ApiLambda, apiHandler } from '@boomerang/core/http/api-handler.ts';
import { type Authenticate, createAuthenticate } from '@boomerang/core/http/authenticate.ts';
import { toNextCursor } from '@boomerang/core/http/cursor.ts';
import { jobIdSchema } from '@boomerang/core/http/job-fields.ts';
import { invalid, Problem } from '@boomerang/core/http/problem.ts';
import { createLog } from '@boomerang/core/observability/logger.ts';
import type { JobReader } from '@boomerang/core/ports/jobs.ts';
import type { Redrives } from '@boomerang/core/ports/redrives.ts';
import { v7 as uuidv7 } from 'uuid';
import { linkOf, presentRedrive } from './present-redrive.ts';
import { countRedrivable, RedriveOpen, type RequestRedriveDeps, requestRedrive } from './request-redrive.ts';
import { redriveRequestSchema, redrivesQuerySchema } from './schema.ts';

export type Deps = RequestRedriveDeps & {
  authenticate: Authenticate;
  jobs: Pick<JobReader, 'find'>;
  redrives: Pick<Redrives, 'create' | 'reservePass' | 'get' | 'list'>;
};

/** `POST /redrives`, `GET /redrives` and `GET /redrives/{redriveId}`: redrives many jobs, and reports the progress. */
export const createHandler = (deps: Deps): ApiLambda => {
  const { authenticate, redrives, now, log } = deps;
  const post = apiHandler(
    log,
    { authenticate, actsFor: true, body: redriveRequestSchema },
    async ({ caller, body }) => {
      const { from = 0, to = now(), dryRun, ...filters } = body;
      if (from >= to) throw invalid([{ pointer: '/from', message: 'Must be before to, and before now' }]);
      const query = { ...filters, from, to };
      if (dryRun) return { statusCode: 200, body: await countRedrivable(deps, caller.clientId, query) };
      const redrive = presentRedrive(await requestRedrive(deps, caller.clientId, query).catch(throwProblem));
      return { statusCode: 202, headers: { location: redrive.links.self }, body: redrive };
    },
  );
  const get = apiHandler(log, { authenticate, actsFor: true }, async ({ caller, path }) => {
    const redriveId = jobIdSchema.safeParse(path.redriveId);
    const redrive = redriveId.success ? await redrives.get(caller.clientId, redriveId.data, now()) : undefined;
    // The response is the same for another client's redrive, so that its existence is not revealed.
    if (!redrive) throw new Problem(404, 'Unknown redrive.');
    return { statusCode: 200, body: presentRedrive(redrive) };
  });
  const list = apiHandler(
    log,
    { authenticate, actsFor: true, query: redrivesQuerySchema },
    async ({ caller, query }) => {
      const { limit, cursor: after } = query;
      const page = await redrives.list({ clientId: caller.clientId, limit, after, now: now() });
      return {
        statusCode: 200,
        body: { redrives: page.redrives.map(presentRedrive), cursor: toNextCursor(page.cursor) },
      };
    },
  );
  return (event, context) => {
    if (event.routeKey === 'GET /redrives') return list(event, context);
    return (event.pathParameters?.redriveId === undefined ? post : get)(event, context);
  };
};

const throwProblem = (error: unknown): never => {
  if (!(error instanceof RedriveOpen)) throw error;
  const link = linkOf(error.redriveId);
  throw new Problem(409, 'Another redrive of this client is running and must complete first.', {
    headers: { location: link },
    links: { redrive: link },
    cause: error,
  });
};

const config = readSettings(['JOB_TABLE_NAME', 'CLIENT_TABLE_NAME', 'STATE_MACHINE_ARN', 'SHARD_COUNT'], process.env);
const client = createAwsClient(DynamoDBClient, CALL_LIMITS.api);
const table = { client, tableName: config.JOB_TABLE_NAME, shardCount: config.SHARD_COUNT };

export const handler = createHandler({
  authenticate: createAuthenticate(createDynamoFindCaller({ client, tableName: config.CLIENT_TABLE_NAME })),
  jobs: createDynamoJobList(table),
  redrives: createDynamoRedriveIntake(table),
  startSweep: createSfnStartSweep({
    client: createAwsClient(SFNClient, CALL_LIMITS.start),
    stateMachineArn: config.STATE_MACHINE_ARN,
  }),
  newId: uuidv7,
  now: Date.now,
  log: createLog('redrives'),
});

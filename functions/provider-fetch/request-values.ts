import { parameterFaults, withDefaults, writeOnlyValues } from '@boomerang/core/domain/catalogue/parameters.ts';
import type { Parameters, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { LeaseLost } from '@boomerang/core/domain/failures.ts';
import { parametersOf } from '@boomerang/core/domain/job.ts';
import type { JobReader } from '@boomerang/core/ports/jobs.ts';
import { catalogueMistake } from './catalogue-mistake.ts';
import type { FetchRequest } from './schema.ts';

/** What the requests of a fetch are made of. */
export type RequestValues = {
  /** By parameter, defaults filled in. */
  values: Parameters;
  round: number;
  /** What must not be shown of them. */
  secrets: readonly string[];
};

type Deps = { jobs: Pick<JobReader, 'getWithData'>; now: () => number };

/**
 * Finds the parameters that a job has for a provider, and checks them against the catalogue of today: it may have changed since
 * the job was accepted.
 *
 * @throws ProviderThrottled with class `bad_parameter` where the catalogue no longer takes one, for an hour from the first time;
 * then ProviderRefused. LeaseLost if the job is gone
 */
export const findRequestValues = async (
  deps: Deps,
  provider: Provider,
  request: FetchRequest,
  startedAt: number,
): Promise<RequestValues> => {
  const { parameters, round = 0 } = await findJobPart(deps, provider, request, startedAt);
  const given = parametersOf({ parameters }, provider.id) ?? {};
  const [fault] = parameterFaults(provider, given);
  if (fault) {
    const name = fault.path[0] ?? '';
    // Rules of a secret value may tell it: an enum of one.
    const isSecret = provider.parameters?.properties[name]?.writeOnly;
    const excerpt = `the catalogue no longer takes parameter "${name}"${isSecret ? '' : `: ${fault.message}`}`;
    throw await catalogueMistake(deps, request, { class: 'bad_parameter', startedAt, excerpt });
  }
  return { values: withDefaults(provider, given), round, secrets: writeOnlyValues(provider, given) };
};

/** Definitions of the state machine from before there were parameters do not hand them over: they are read where they matter. */
const findJobPart = async (
  { jobs, now }: Deps,
  provider: Provider,
  { job, jobId }: FetchRequest,
  startedAt: number,
): Promise<NonNullable<FetchRequest['job']>> => {
  if (job) return job;
  if (!provider.parameters && provider.method === 'GET') return {};
  const found = await jobs.getWithData(jobId, now());
  if (!found) throw new LeaseLost({ class: 'lease_lost', startedAt });
  const { parameters, round } = found.job;
  return { parameters: parameters as NonNullable<FetchRequest['job']>['parameters'], round };
};

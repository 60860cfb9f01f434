import { parameterFaults, withDefaults, writeOnlyValues } from '@boomerang/core/domain/catalogue/parameters.ts';
import type { Parameters, Provider } from '@boomerang/core/domain/catalogue/provider-schema.ts';
import { LeaseLost } from '@boomerang/core/domain/failures.ts';
import { parametersOf } from '@boomerang/core/domain/job.ts';
import type { JobReader } from '@boomerang/core/ports/jobs.ts';
import { toMismatchError } from './catalogue-mismatch.ts';
import type { FetchRequest } from './schema.ts';

/** The values that a fetch builds its requests from. */
export type RequestValues = {
  /** By parameter, with defaults. */
  values: Parameters;
  round: number;
  /** The values to mask. */
  secrets: readonly string[];
};

type Deps = { jobs: Pick<JobReader, 'getWithData'>; now: () => number };

/**
 * Finds a job's parameters for a provider and validates them against the current catalogue, which may have changed since the
 * job was accepted.
 *
 * @throws ProviderThrottled `bad_parameter` if the catalogue no longer allows a parameter, for an hour after the first
 * failure; then ProviderRefused
 * @throws LeaseLost if the job no longer exists
 */
export const findRequestValues = async (
  deps: Deps,
  provider: Provider,
  request: FetchRequest,
  startedAt: number,
): Promise<RequestValues> => {
  const { parameters, round = 0 } = await findJobPart(deps, provider, request, startedAt);
  const posted = parametersOf({ parameters }, provider.id) ?? {};
  const [fault] = parameterFaults(provider, posted);
  if (fault) {
    const name = fault.path[0] ?? '';
    // The message of a secret parameter may reveal it, for example an enum with one value.
    const isSecret = provider.parameters?.properties[name]?.writeOnly;
    const excerpt = `the catalogue no longer allows parameter "${name}"${isSecret ? '' : `: ${fault.message}`}`;
    throw await toMismatchError(deps, request, { class: 'bad_parameter', startedAt, excerpt });
  }
  return { values: withDefaults(provider, posted), round, secrets: writeOnlyValues(provider, posted) };
};

/** Older state machine definitions do not pass parameters and round. They are then read from the table, if they are needed. */
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

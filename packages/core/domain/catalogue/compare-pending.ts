import type { Job } from '../job.ts';
import type { Catalogue } from './catalogue.ts';
import { parameterFaults } from './parameters.ts';

/**
 * The parts of a pending job that a catalogue would refuse: providers that it does not have, and invalid parameters.
 *
 * @returns a line for each, `gas: parameters.account: Must be …`, without values
 */
export const refusalsOf = (
  catalogue: Catalogue,
  { phase, providers, parameters, results }: Pick<Job, 'phase' | 'providers' | 'parameters' | 'results'>,
): string[] => {
  if (phase !== 'FETCHING') return [];
  const settled = new Set(results.flatMap(({ providerId, status }) => (status === 'UNAVAILABLE' ? [] : [providerId])));
  return providers
    .filter((providerId) => !settled.has(providerId))
    .flatMap((providerId) => {
      const provider = catalogue.get(providerId);
      if (!provider) return [`${providerId}: Is not in the catalogue`];
      return parameterFaults(provider, parameters?.[providerId] ?? {}).map(
        ({ path, message }) => `${providerId}: ${['parameters', ...path].join('.')}: ${message}`,
      );
    });
};

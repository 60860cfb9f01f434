import type { Job } from '@boomerang/core/domain/job.ts';
import { describe, expect, test } from '@jest/globals';
import { presentData } from '../../functions/job-read/present-data.ts';
import { aJob, NOW } from '../builders.ts';

describe('the data of a job with a result that is no longer stored', () => {
  const fetchedResult = (providerId: string): Job['results'][number] => ({
    providerId,
    status: 'FETCHED',
    fetchedAt: NOW,
    bytes: 2,
  });
  const job = aJob({ results: [fetchedResult('gas'), fetchedResult('internet')] });
  const results = [{ providerId: 'internet', fetchedAt: NOW, bytes: 2, json: '{}' }];

  test.each([undefined, 'gas'])(
    'is answered with 410 Gone and a problem that names the provider (requested: %s)',
    (providerId) => {
      const get = () => presentData({ job, results }, providerId);
      expect(get).toThrow(expect.objectContaining({ status: 410, message: expect.stringContaining('gas') }));
    },
  );

  test('is available for the other providers', () => {
    expect(JSON.parse(presentData({ job, results }, 'internet'))).toMatchObject({ data: [{ providerId: 'internet' }] });
  });
});

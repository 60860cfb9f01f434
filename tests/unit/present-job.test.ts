import type { Job, ProviderResult } from '@boomerang/core/domain/job.ts';
import { jobSchema } from '@boomerang/core/http/job-schema.ts';
import { describe, expect, test } from '@jest/globals';
import { presentJob } from '../../functions/job-read/present-job.ts';
import { aJob, NOW } from '../builders.ts';

const present = (result: ProviderResult, change: Partial<Job> = {}) => {
  const view = jobSchema.parse(presentJob(aJob({ results: [result], ...change }), new Map(), NOW));
  return { provider: view.providers[0], text: JSON.stringify(view) };
};

describe('a provider that is still working', () => {
  const pending: ProviderResult = {
    providerId: 'gas',
    status: 'UNAVAILABLE',
    error: { class: 'still_working' },
    attempts: 0,
    retryAt: NOW + 60_000,
    ticket: { url: 'https://reports.example/work/1?token=abcdefgh', since: NOW - 60_000, polls: 3 },
    round: 1,
  };

  test('is shown with its start, its poll count and the next poll', () => {
    expect(present(pending).provider).toStrictEqual({
      providerId: 'gas',
      status: 'UNAVAILABLE',
      error: { class: 'still_working' },
      failedAttempts: 0,
      nextAttemptAt: new Date(NOW + 60_000).toISOString(),
      workingSince: new Date(NOW - 60_000).toISOString(),
      polls: 3,
    });
  });

  test('is shown without its status URL, which may contain a token', () => {
    expect(present(pending).text).not.toMatch(/reports\.example|abcdefgh/);
  });

  test('is shown as failed once its ticket is abandoned', () => {
    const { ticket: _, ...rest } = pending;
    const { provider } = present({ ...rest, error: { class: 'ticket_lost', statusCode: 404 }, attempts: 1 });
    expect(provider).toMatchObject({ error: { class: 'ticket_lost', statusCode: 404 }, failedAttempts: 1 });
    expect(provider).not.toHaveProperty('polls');
  });
});

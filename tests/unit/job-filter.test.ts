import type { Job } from '@boomerang/core/domain/job.ts';
import { isSelected, type JobFilter, possibleStatuses } from '@boomerang/core/domain/job-filter.ts';
import { describe, expect, test } from '@jest/globals';
import { aJob, NOW } from '../builders.ts';

const pending = aJob({ createdAt: NOW, providers: ['gas', 'internet'] });
const ended = (status: Job['status'], more: Partial<Job> = {}): Job => ({ ...pending, status, ...more });
const failed = ended('FAILED', { failure: { code: 'CALLBACK_GONE', message: 'Gone.' } });

describe('a filter', () => {
  test('without properties selects every job', () => {
    for (const job of [pending, failed, ended('COMPLETE')]) expect(isSelected(job, {})).toBe(true);
  });

  test.each<[name: string, filter: JobFilter, selected: Job, other: Job]>([
    ['by status', { statuses: ['FAILED', 'PARTIAL'] }, ended('PARTIAL'), ended('COMPLETE')],
    ['by provider', { providerId: 'internet' }, pending, aJob({ providers: ['gas'] })],
    ['by failure code', { failureCode: 'CALLBACK_GONE' }, failed, ended('FAILED')],
    [
      'by failure code, only of failed jobs',
      { failureCode: 'CALLBACK_GONE' },
      failed,
      ended('PENDING', { failure: { code: 'CALLBACK_GONE', message: 'Gone.' } }),
    ],
    ['by trouble', { inTrouble: true }, ended('PENDING', { isInTrouble: true }), pending],
    [
      'by trouble, only of pending jobs',
      { inTrouble: true },
      ended('PENDING', { isInTrouble: true }),
      ended('FAILED', { isInTrouble: true }),
    ],
    ['by time, from the first millisecond on', { from: NOW }, pending, aJob({ createdAt: NOW - 1 })],
    ['by time, up to the last millisecond before the end', { to: NOW + 1 }, pending, aJob({ createdAt: NOW + 1 })],
  ])('%s selects one job and not the other', (_name, filter, selected, other) => {
    expect([isSelected(selected, filter), isSelected(other, filter)]).toEqual([true, false]);
  });

  test('with several properties selects the jobs that match them all', () => {
    const filter: JobFilter = { statuses: ['FAILED'], providerId: 'gas', from: NOW, to: NOW + 1 };
    expect(isSelected(failed, filter)).toBe(true);
    for (const other of [pending, { ...failed, providers: ['internet'] }, { ...failed, createdAt: NOW + 1 }])
      expect(isSelected(other, filter)).toBe(false);
  });

  test.each<[filter: JobFilter, statuses: readonly Job['status'][] | undefined]>([
    [{}, undefined],
    [{ providerId: 'gas' }, undefined],
    [{ statuses: ['COMPLETE', 'PARTIAL'] }, ['COMPLETE', 'PARTIAL']],
    [{ inTrouble: true }, ['PENDING']],
    [{ failureCode: 'CALLBACK_GONE' }, ['FAILED']],
    [{ statuses: ['FAILED', 'PENDING'], inTrouble: true }, ['PENDING']],
    [{ statuses: ['FAILED', 'PENDING'], failureCode: 'CALLBACK_GONE' }, ['FAILED']],
    [{ statuses: ['FAILED'], inTrouble: true }, []],
    [{ inTrouble: true, failureCode: 'CALLBACK_GONE' }, []],
  ])('%j can select only jobs with the statuses %j', (filter, statuses) => {
    expect(possibleStatuses(filter)).toEqual(statuses);
  });
});

import { readFileSync } from 'node:fs';
import { callbackOutcomeSchema } from '@boomerang/core/contracts/callback-outcome.ts';
import { fetchOutcomeSchema } from '@boomerang/core/contracts/provider-outcome.ts';
import { workedJobSchema } from '@boomerang/core/contracts/worked-job.ts';
import * as failures from '@boomerang/core/domain/failures.ts';
import { type CallbackOutcome, type FetchOutcome, isAttempt, isCallMade } from '@boomerang/core/domain/outcomes.ts';
import { describe, expect, test } from '@jest/globals';
import { deliverRequestSchema } from '../../functions/callback-deliver/schema.ts';
import { sweepSchema } from '../../functions/job-claim/schema.ts';
import { settleRequestSchema } from '../../functions/job-settle/schema.ts';
import { fetchRequestSchema } from '../../functions/provider-fetch/schema.ts';
import {
  aClaim,
  caught,
  DELIVERED,
  deferred,
  deferredCallback,
  failedCallback,
  fetched,
  NOT_SENT,
  NOW,
  notAttempted,
  refused,
  unavailable,
  working,
} from '../builders.ts';

const parseCaught = (status: 'REFUSED' | 'UNAVAILABLE', error: object) =>
  fetchOutcomeSchema.parse({ providerId: 'gas', status, error });

/** Errors of Lambda, Step Functions and our own bugs, and causes that we never write. */
const FOREIGN_ERRORS = [
  { Error: 'States.Timeout' },
  { Error: 'States.Timeout', Cause: 'plain text' },
  { Error: 'Lambda.TooManyRequestsException', Cause: 'Rate exceeded' },
  { Error: 'Lambda.Unknown', Cause: '' },
  { Error: 'Lambda.ServiceException', Cause: 'null' },
  { Error: 'Runtime.ImportModuleError', Cause: '{"errorType":"Runtime.ImportModuleError","errorMessage":"no module"}' },
  { Error: 'TypeError', Cause: '{"errorMessage":"x is not a function"}' },
  { Error: 'LeaseLost', Cause: '{"errorMessage":"{\\"class\\":\\"lease_lost\\"}"}' },
  { Error: 'CredentialMissing', Cause: '{"errorMessage":"{\\"class\\":\\"internal\\"}"}' },
];

/** Task errors that are our own fault: the call was not made, or its outcome is unknown. */
const OWN_FAULTS = ['CredentialInvalid', 'CallbackNotSent', 'LeaseLost', 'CredentialMissing'];

const taskErrors = Object.entries(failures)
  .filter(([, exported]) => typeof exported === 'function' && exported.prototype instanceof failures.TaskError)
  .map(([name]) => name);

test.each(taskErrors)('%s is read as an outcome of its own, unless it is our own fault', (name) => {
  const error = caught(name, { class: 'internal', providerId: 'gas' });
  const fetch = parseCaught(name === 'ProviderRefused' ? 'REFUSED' : 'UNAVAILABLE', error);
  const isOwnFault = [fetch, callbackOutcomeSchema.parse(error)].every(({ kind }) => kind === 'notAttempted');
  const advice = `packages/core/contracts/: add ${name} to FAILED or DEFERRED, or here to OWN_FAULTS`;
  expect(isOwnFault === OWN_FAULTS.includes(name) ? [] : [advice]).toEqual([]);
});

describe('the caught result of a fetch', () => {
  test.each(FOREIGN_ERRORS)('is an internal fault: %j', (error) => {
    const outcome = parseCaught('UNAVAILABLE', error);
    expect(outcome.kind).toBe('notAttempted');
    expect(outcome).toMatchObject({ cause: expect.stringContaining(error.Error) });
    expect(isCallMade(outcome)).toBe(false);
  });

  test.each(['ProviderUnavailable', 'ProviderThrottled', 'CredentialRefused'])('is a failed call: %s', (name) => {
    const failure = { class: 'bad_status', statusCode: 503, retryAfterMs: 3 } as const;
    expect(parseCaught('UNAVAILABLE', caught(name, failure))).toEqual({ kind: 'failed', providerId: 'gas', failure });
  });

  test.each(['ProviderCircuitOpen', 'ProviderLimitReached', 'Paused'])('is a deferral: %s', (name) => {
    const failure = { class: 'paused', retryAfterMs: 3 } as const;
    const outcome = parseCaught('UNAVAILABLE', caught(name, failure));
    expect(outcome).toEqual({ kind: 'deferred', providerId: 'gas', failure });
    expect(isCallMade(outcome)).toBe(false);
  });

  test('is a refusal, which counts as an attempt only if a call was made', () => {
    const refusal = parseCaught('REFUSED', caught('ProviderRefused', { class: 'bad_status', statusCode: 404 }));
    expect([refusal.kind, isCallMade(refusal)]).toEqual(['refused', true]);
    expect(isCallMade(parseCaught('REFUSED', caught('ProviderRefused', { class: 'unknown_provider' })))).toBe(false);
  });

  test('is a ticket when the provider is still working', () => {
    const ticket = { url: 'https://example.com/1', since: NOW, polls: 0 };
    const payload = { providerId: 'gas', status: 'UNAVAILABLE', ticket, retryAfterMs: 60_000 };
    expect(fetchOutcomeSchema.parse(payload)).toEqual({
      kind: 'working',
      providerId: 'gas',
      ticket,
      retryAfterMs: 60_000,
    });
  });

  test('is the data, or where it is stored', () => {
    const { kind: _, ...payload } = fetched('gas');
    expect(fetchOutcomeSchema.parse({ ...payload, status: 'FETCHED' })).toMatchObject(fetched('gas'));
    const large = { ...payload, json: undefined, status: 'FETCHED', digest: 'd', chunks: 3, keptUntil: 7 };
    expect(fetchOutcomeSchema.parse(large)).toMatchObject({ stored: { digest: 'd', chunks: 3, keptUntil: 7 } });
  });
});

describe('the caught result of a delivery', () => {
  test.each(FOREIGN_ERRORS)('is an internal fault: %j', (error) => {
    expect(callbackOutcomeSchema.parse(error)).toMatchObject({ kind: 'notAttempted' });
  });

  test.each(['CallbackUnavailable', 'CallbackThrottled', 'CallbackRejected'])('is a failed call: %s', (name) => {
    expect(callbackOutcomeSchema.parse(caught(name))).toMatchObject({ kind: 'failed', failure: { statusCode: 500 } });
  });

  test.each(['gone', 'too_large', 'client_revoked'] as const)('is a permanent refusal: %s', (reason) => {
    const outcome = callbackOutcomeSchema.parse(caught('CallbackRejected', { class: reason }));
    expect(outcome).toMatchObject({ kind: 'refused', reason });
  });

  test.each(['CallbackCircuitOpen', 'Paused'])('is a deferral: %s', (name) => {
    expect(callbackOutcomeSchema.parse(caught(name))).toMatchObject({ kind: 'deferred' });
  });

  test('is a delivery whose outcome was not saved', () => {
    const error = caught('OutcomeNotSaved', { class: 'internal', statusCode: 202, durationMs: 7 });
    expect(callbackOutcomeSchema.parse(error)).toEqual({ kind: 'delivered', statusCode: 202, durationMs: 7 });
  });

  test('is a missing result, with its provider', () => {
    const error = caught('ResultMissing', { class: 'result_missing', providerId: 'gas' });
    expect(callbackOutcomeSchema.parse(error)).toEqual({ kind: 'resultMissing', providerId: 'gas' });
    expect(callbackOutcomeSchema.parse({ Error: 'ResultMissing' }).kind).toBe('notAttempted');
  });
});

const NEITHER = { callMade: false, attempt: false };
const BOTH = { callMade: true, attempt: true };

test.each<[FetchOutcome | CallbackOutcome, { callMade: boolean; attempt: boolean }]>([
  [fetched('gas'), BOTH],
  [DELIVERED, BOTH],
  [unavailable('gas'), BOTH],
  [refused('gas'), BOTH],
  [failedCallback(), BOTH],
  [working('gas'), { callMade: true, attempt: false }],
  [{ kind: 'refused', reason: 'too_large', failure: { class: 'too_large' } }, NEITHER],
  [{ kind: 'refused', reason: 'client_revoked', failure: { class: 'client_revoked' } }, NEITHER],
  [{ kind: 'refused', providerId: 'gas', failure: { class: 'unknown_provider' } }, NEITHER],
  // The status shows that the provider responded, although its body was too large.
  [{ kind: 'refused', providerId: 'gas', failure: { class: 'too_large', statusCode: 200 } }, BOTH],
  [deferred('gas'), NEITHER],
  [deferredCallback(), NEITHER],
  [notAttempted('gas'), NEITHER],
  [NOT_SENT, NEITHER],
  [{ kind: 'resultMissing', providerId: 'gas' }, NEITHER],
])('%j counts as %j', (outcome, expected) => {
  expect({ callMade: isCallMade(outcome), attempt: isAttempt(outcome) }).toEqual(expected);
});

describe('payloads', () => {
  test('may have unknown fields, and lack new ones', () => {
    const claim = aClaim();
    const { isAnyWaiting: _, ...olderClaim } = claim;
    const worked = workedJobSchema.parse({ ...olderClaim, priority: 'high', results: [] });
    expect(worked).toEqual({ ...claim, results: [] });
  });

  test('of every task may have unknown fields', () => {
    const unknownField = { priority: 'high' };
    const { jobId, claims, leasedUntil } = aClaim();
    const fetch = { jobId, claims, leasedUntil, providerId: 'gas' };
    expect(fetchRequestSchema.parse({ ...fetch, ...unknownField })).toEqual(fetch);
    const job = { ...aClaim(), results: [] };
    expect(deliverRequestSchema.parse({ job: { ...job, ...unknownField }, ...unknownField })).toEqual({ job });
    expect(settleRequestSchema.parse({ job: { ...job, ...unknownField }, ...unknownField })).toEqual({ job });
    expect(sweepSchema.parse({ claimed: 1, ...unknownField })).toEqual({ claimed: 1 });
  });

  test('of version 1 are accepted', () => {
    const { createdAt: _, isAnyWaiting: __, ...olderClaim } = aClaim();
    expect(workedJobSchema.parse({ ...olderClaim, v: 1 })).toMatchObject({
      v: 2,
      createdAt: null,
      isAnyWaiting: false,
    });
  });
});

test('the settle rules do not mention Step Functions or Lambda', () => {
  for (const file of ['settle', 'outcomes', 'schedule', 'job', 'result-life', 'tickets']) {
    const source = readFileSync(`packages/core/domain/${file}.ts`, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
    expect(source).not.toMatch(/\bStates\b|\bLambda\b|Exception|CaughtError|ErrorEquals|\bCause\b|\.Error\b/);
    // Only tasks use the names of error classes.
    expect(source).not.toMatch(/'(?:Provider|Callback|Credential|Lease|Outcome|Result)[A-Z]\w+'/);
  }
});

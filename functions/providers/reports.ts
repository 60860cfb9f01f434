import { createHmac } from 'node:crypto';
import { sealText, unsealText } from './sealed-text.ts';

/** Orders for this tax id are rejected, for testing failed reports. */
export const REJECTED_TAX_ID = '0000';

/** The ages at which a report's status changes. */
const RUNNING_FROM_MS = 1_000;
const DONE_FROM_MS = 2_000;
export const RETRY_AFTER_SECONDS = 1;

const PURPOSE = 'report';

export type Report = { creditScore: number; rating: 'A' | 'B' | 'C' | 'D'; openLoans: number };
export type ReportState =
  | { id: string; status: 'QUEUED' | 'RUNNING' | 'REJECTED' }
  | { id: string; status: 'DONE'; report: Report };

export type ReportOrder = { taxId: string; idempotencyKey: string };

/**
 * The id of a report contains its order time and digests of the tax id and of the whole order. Nothing is stored: an order
 * that is repeated later gets another id, but the same report.
 *
 * @param now epoch milliseconds
 */
export const newReportId = (secret: string, { taxId, idempotencyKey }: ReportOrder, now: number): string => {
  const order = digest(secret, 'order', JSON.stringify([idempotencyKey, taxId]));
  return sealText(secret, PURPOSE, `${now} ${digestTaxId(secret, taxId)} ${order}`);
};

/** The contents of a report id. */
export type OrderedReport = {
  id: string;
  /** Epoch milliseconds. */
  orderedAt: number;
  /** Digest of the tax id. */
  subject: string;
  isRejected: boolean;
};

/** @returns undefined for an id that was never issued */
export const readReportId = (secret: string, id: string): OrderedReport | undefined => {
  const [orderedAt, subject = ''] = unsealText(secret, PURPOSE, id)?.split(' ') ?? [];
  if (orderedAt === undefined) return undefined;
  return { id, orderedAt: Number(orderedAt), subject, isRejected: subject === digestTaxId(secret, REJECTED_TAX_ID) };
};

/**
 * The state of a report, by its age.
 *
 * @param now epoch milliseconds
 */
export const reportAt = ({ id, orderedAt, subject, isRejected }: OrderedReport, now: number): ReportState => {
  const ageMs = now - orderedAt;
  if (ageMs < RUNNING_FROM_MS) return { id, status: 'QUEUED' };
  if (ageMs < DONE_FROM_MS) return { id, status: 'RUNNING' };
  return isRejected ? { id, status: 'REJECTED' } : { id, status: 'DONE', report: reportOn(subject) };
};

/** Whether the report is not ready yet, so that the caller polls again. */
export const isPending = ({ status }: ReportState): boolean => status === 'QUEUED' || status === 'RUNNING';

const DIGEST_BYTES = 12;

/** Keyed with the secret, because tax ids are short: a plain digest could be reversed by trying them all. */
const digest = (secret: string, kind: string, text: string): string =>
  createHmac('sha256', secret).update(`${kind}\n${text}`).digest().subarray(0, DIGEST_BYTES).toString('hex');

const digestTaxId = (secret: string, taxId: string): string => digest(secret, 'tax id', taxId);

const LOWEST_SCORE = 300;
const HIGHEST_SCORE = 850;

/** A report that depends only on its subject. @param subject digest of the tax id, hex */
const reportOn = (subject: string): Report => {
  const score = Number.parseInt(subject.slice(0, 8), 16);
  const loans = Number.parseInt(subject.slice(8, 10), 16);
  const creditScore = LOWEST_SCORE + (score % (HIGHEST_SCORE - LOWEST_SCORE + 1));
  return { creditScore, rating: ratingOf(creditScore), openLoans: loans % 5 };
};

const ratingOf = (creditScore: number): Report['rating'] => {
  if (creditScore >= 740) return 'A';
  if (creditScore >= 670) return 'B';
  return creditScore >= 580 ? 'C' : 'D';
};

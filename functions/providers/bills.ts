import { createHash } from 'node:crypto';
import { toIso } from '@boomerang/core/domain/time.ts';

/** @property billedOn ISO 8601 date and time */
export type Bill = { billedOn: string; amount: number };

/** The data of the mock providers, by provider id. */
export const bills: ReadonlyMap<string, readonly Bill[]> = new Map([
  [
    'gas',
    [
      { billedOn: '2020-04-07T15:03:14.257Z', amount: 22.27 },
      { billedOn: '2020-05-07T15:03:14.257Z', amount: 30 },
    ],
  ],
  [
    'internet',
    [
      { billedOn: '2020-02-07T15:03:14.257Z', amount: 15.12 },
      { billedOn: '2020-03-07T15:03:14.257Z', amount: 15.12 },
    ],
  ],
]);

/** The gas account whose bills are those of `GET /providers/gas`. */
export const DEFAULT_GAS_ACCOUNT = '10000001';

const ACCOUNT = /^\d{8,12}$/;

/** @returns the bills of a gas account, oldest first; undefined if it is not an account number */
export const billsOfAccount = (account: string): readonly Bill[] | undefined => {
  if (account === DEFAULT_GAS_ACCOUNT) return bills.get('gas');
  return ACCOUNT.test(account) ? inventBills(account) : undefined;
};

/** Two or three monthly bills derived from the account number, the first in December 2025. */
const inventBills = (account: string): Bill[] => {
  const digest = createHash('sha256').update(account).digest();
  return Array.from({ length: 2 + (digest.readUInt8(0) % 2) }, (_, index) => {
    const day = 1 + (digest.readUInt8(1) % 28);
    const cents = 1_000 + (digest.readUInt32BE(4 + 4 * index) % 9_000);
    return { billedOn: toIso(Date.UTC(2025, 11 + index, day, 12)), amount: cents / 100 };
  });
};

export type Bill = { /** ISO 8601 date and time. */ billedOn: string; amount: number };

/** What the mock third parties have to give, by provider id. */
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

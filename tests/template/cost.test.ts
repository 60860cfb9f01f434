import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { readTemplate } from '../../local/template.ts';

/** The cost table of docs/operations.md, recomputed from the template, the counted units and AWS's list prices. */

const TEXT = readFileSync(fileURLToPath(new URL('../../docs/operations.md', import.meta.url)), 'utf8');
const template = readTemplate(fileURLToPath(new URL('../../template.yaml', import.meta.url)));

/** The rows of the table: the name, the arithmetic, and the dollars for a million jobs. */
const rows = [...TEXT.matchAll(/^\| ([^|]+?) +\| ([^|]*?) +\| +(?:\*\*)?(\d+\.\d\d)(?:\*\*)? \|$/gm)].map(
  ([, name = '', arithmetic = '', dollars]) => ({ name, arithmetic, dollars: Number(dollars) }),
);
const dollarsOf = (name: string) => rows.find((row) => row.name === name)?.dollars;
const arithmeticOf = (name: string) => rows.find((row) => row.name === name)?.arithmetic ?? '';

const gigabytes = (logicalId: string): number => {
  const megabytes = template.Resources[logicalId]?.Properties?.MemorySize ?? template.Globals.Function.MemorySize;
  return Number(megabytes) / 1024;
};

/** The assumptions of the table: the providers of a job, and how long each function runs. */
const PROVIDERS = 2;
const SECONDS = { webhook: 0.02, providerFetch: 0.5, callbackDeliver: 0.2 };
const DOLLARS_PER_MILLION_GB_SECONDS = 13.33;
const DOLLARS_PER_MILLION_WRITE_UNITS = 0.625;

describe('the cost of a million jobs in docs/operations.md', () => {
  test('is the sum of its rows', () => {
    const parts = rows.filter(({ name }) => !name.startsWith('**'));
    expect(parts).toHaveLength(9);
    const total = parts.reduce((sum, { dollars }) => sum + dollars, 0);
    expect(dollarsOf('**a million jobs**')).toBeCloseTo(total, 5);
  });

  test('bills the time of each function at its memory size', () => {
    const gbSeconds =
      SECONDS.webhook * gigabytes('WebhookFunction') +
      PROVIDERS * SECONDS.providerFetch * gigabytes('ProviderFetchFunction') +
      SECONDS.callbackDeliver * gigabytes('CallbackDeliverFunction');
    expect(arithmeticOf('Lambda time')).toContain(`= ${gbSeconds.toFixed(2)} GB-s`);
    expect(dollarsOf('Lambda time')).toBeCloseTo(gbSeconds * DOLLARS_PER_MILLION_GB_SECONDS, 2);
  });

  test('bills the write units that it names', () => {
    const [, units, accept, complete] = /^(\d+) write units \((\d+) to accept, (\d+) to complete/.exec(
      arithmeticOf('DynamoDB'),
    ) as unknown as string[];
    expect(Number(units)).toBe(Number(accept) + Number(complete));
    expect(dollarsOf('DynamoDB')).toBeCloseTo(Number(units) * DOLLARS_PER_MILLION_WRITE_UNITS, 2);
  });

  test('includes no EventBridge event, because a healthy job publishes none by default', () => {
    expect(template.Parameters.PublishEvents?.Default).toBe('failures');
    expect(dollarsOf('EventBridge')).toBe(0);
  });
});

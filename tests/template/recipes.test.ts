import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readTemplate } from '../../local/template.ts';

const text = readFileSync('docs/recipes.md', 'utf8');
const template = readTemplate('template.yaml');

test('docs/recipes.md describes exactly the templates in docs/recipes', () => {
  const described = [...text.matchAll(/--template-file docs\/recipes\/(\S+)/g)].map(([, file]) => file);
  expect(described.sort()).toEqual(readdirSync('docs/recipes').sort());
});

describe('the additions to the template', () => {
  const blocks = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(
    ([, block = '']) =>
      parse(block, { logLevel: 'silent' }) as {
        Parameters: Record<string, object>;
        Resources: Record<string, { Type?: string; Properties: Record<string, unknown> }>;
      },
  );

  test('add only new names, and change only existing resources', () => {
    expect(blocks).toHaveLength(2);
    for (const { Parameters, Resources } of blocks) {
      for (const name of Object.keys(Parameters)) expect(template.Parameters).not.toHaveProperty(name);
      for (const [name, { Type }] of Object.entries(Resources)) {
        expect([name, name in template.Resources]).toEqual([name, Type === undefined]);
      }
    }
  });

  test('move both functions that call third parties into a VPC', () => {
    expect(text).toContain('ProviderFetchFunction: # and CallbackDeliverFunction');
    expect(template.Resources.CallbackDeliverFunction).toBeDefined();
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';

type Job = { needs?: string; uses?: string; with?: { stage: string } };
type Step = { uses?: string; with?: Record<string, string> };

const { jobs } = parse(readFileSync('.github/workflows/main.yml', 'utf8')) as { jobs: Record<string, Job> };
const deploy = parse(readFileSync('.github/workflows/deploy.yml', 'utf8')) as { jobs: { deploy: { steps: Step[] } } };
const config = readFileSync('samconfig.toml', 'utf8');

describe('the pipeline', () => {
  const stages = Object.values(jobs).flatMap((job) => job.with?.stage ?? []);

  test('deploys to dev what was checked, and then to prod', () => {
    expect(stages).toEqual(['dev', 'prod']);
    expect(jobs.dev?.needs).toBe('check');
    expect(jobs.prod?.needs).toBe('dev');
  });

  test.each(stages)('finds the stack of %s in samconfig.toml', (stage) => {
    const [, section = ''] = config.split(`[${stage}.deploy.parameters]\n`);
    expect(section.split('\n[')[0]).toContain(`stack_name = "boomerang-${stage}"`);
    expect(section.split('\n[')[0]).toMatch(new RegExp(`parameter_overrides = "Stage=${stage} `));
  });

  test('deploys with the SAM CLI that was tested', () => {
    const setup = deploy.jobs.deploy.steps.find(({ uses }) => uses?.startsWith('aws-actions/setup-sam@'));
    expect(readFileSync('tools/engines/sam-cli.ts', 'utf8')).toContain(`'aws-sam-cli==${setup?.with?.version}'`);
  });
});

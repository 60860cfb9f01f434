import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';

type Job = { needs?: string; uses?: string; with?: { stage: string }; secrets?: string };
type Step = {
  name?: string;
  id?: string;
  if?: string;
  uses?: string;
  run?: string;
  env?: Record<string, string>;
  with?: Record<string, string>;
};

const { jobs } = parse(readFileSync('.github/workflows/main.yml', 'utf8')) as { jobs: Record<string, Job> };
const deploy = parse(readFileSync('.github/workflows/deploy.yml', 'utf8')) as { jobs: { deploy: { steps: Step[] } } };
const config = readFileSync('samconfig.toml', 'utf8');

describe('the pipeline', () => {
  const stages = Object.values(jobs).flatMap((job) => job.with?.stage ?? []);

  test('deploys to dev after the checks, and to prod after dev', () => {
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

  describe('a deployment', () => {
    const { steps } = deploy.jobs.deploy;
    const indexOf = (name: string): number => steps.findIndex((step) => step.name === name);
    const stepNamed = (name: string): Step => steps[indexOf(name)] ?? {};

    test('is checked by a real job, with an API key of the stage', () => {
      const { run = '', env = {}, id } = stepNamed('Check with a job');
      expect(id).toBe('check');
      expect(run).toMatch(/npm run check -- --stage "\$STAGE"/);
      expect(env.BOOMERANG_API_KEY).toBe('${{ secrets.BOOMERANG_API_KEY }}');
      for (const stage of stages) expect(jobs[stage]?.secrets).toBe('inherit');
      expect(JSON.parse(readFileSync('package.json', 'utf8')).scripts.check).toBe('node cli/check.ts');
    });

    test('is replaced by the previous version only if the check fails', () => {
      const order = ['Keep the previous version', 'Deploy', 'Check with a job', 'Deploy the previous version'].map(
        indexOf,
      );
      expect(order.every((index) => index >= 0)).toBe(true);
      expect(order).toEqual([...order].sort((a, b) => a - b));
      expect(stepNamed('Deploy the previous version').if).toBe("failure() && steps.check.outcome == 'failure'");
      // A failed check must fail the workflow, so that prod is not deployed.
      expect(steps.some((step) => 'continue-on-error' in step)).toBe(false);
    });

    test('restores the previous template and parameters with the same capabilities', () => {
      const { run: keep = '' } = stepNamed('Keep the previous version');
      const { run: restore = '', env } = stepNamed('Deploy the previous version');
      for (const file of ['before/template.yaml', 'before/parameters.json']) {
        expect(keep).toContain(`> ${file}`);
        expect(restore).toContain(file);
      }
      expect(env).toEqual(stepNamed('Deploy').env);
      expect(restore).toContain('CAPABILITY_IAM CAPABILITY_AUTO_EXPAND');
    });

    test('installs packages before it receives credentials', () => {
      const install = steps.findIndex(({ run }) => run === 'npm ci');
      const credentials = steps.findIndex(({ uses }) => uses?.startsWith('aws-actions/configure-aws-credentials@'));
      expect(install).toBeGreaterThanOrEqual(0);
      expect(install).toBeLessThan(credentials);
    });

    test('runs only steps that bash can parse', () => {
      for (const { run } of steps) {
        if (run !== undefined) execFileSync('bash', ['-n'], { input: run.replaceAll(/\$\{\{.*?\}\}/g, 'x') });
      }
    });
  });
});

describe('third-party actions', () => {
  const folder = '.github/workflows';
  const texts = readdirSync(folder).map((file) => readFileSync(`${folder}/${file}`, 'utf8'));
  const usesOf = (value: unknown): string[] => {
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([key, child]) => (key === 'uses' ? [String(child)] : usesOf(child)));
  };
  const actions = texts.flatMap((text) => usesOf(parse(text)).filter((action) => !action.startsWith('./')));

  // Tags can be moved to malicious code, which would run with the pipeline's credentials.
  test('are pinned by commit, with the version in a comment', () => {
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) {
      expect(action).toMatch(/^[\w.-]+(?:\/[\w.-]+)+@[0-9a-f]{40}$/);
      const lines = texts.flatMap((text) => text.split('\n').filter((line) => line.includes(action)));
      for (const line of lines) expect(line.split(action)[1]).toMatch(/^ # v\d+(?:\.\d+)*$/);
    }
  });

  test('have the same version in all workflows', () => {
    const names = new Set(actions.map((action) => action.split('@')[0]));
    expect(new Set(actions).size).toBe(names.size);
  });

  test('install the Node version of .nvmrc', () => {
    for (const text of texts) {
      const setups = text.split('uses: actions/setup-node@').slice(1);
      for (const setup of setups) expect(setup).toMatch(/^\S+ # \S+\n +with:\n +node-version-file: \.nvmrc\n/);
    }
  });
});

import { createDynamoJobAudit } from '@boomerang/core/adapters/dynamo/job-audit.ts';
import { auditJob, FINDINGS, type FindingName, HARMLESS_FINDINGS } from '@boomerang/core/domain/audit.ts';
import { orFailUsage, readArguments } from './command.ts';
import { STACK_ENVIRONMENT, STACK_OPTIONS, withStack } from './stack.ts';

/** `npm run audit`: checks the job table for inconsistencies. */

const AUDIT = {
  name: 'npm run audit',
  about: 'Checks the job table of a deployment for inconsistencies. Read-only.',
  options: { ...STACK_OPTIONS, json: { type: 'boolean', about: 'print JSON, with all findings' } },
  environment: STACK_ENVIRONMENT,
  examples: {
    '': 'the embedded cloud, running or not',
    '--stage prod': 'a stack on AWS: reads the whole table, at half a read unit per 4 KB',
  },
  exitCodes: { 0: 'no findings, or harmless ones', 1: 'findings', 2: 'wrong usage, or the table could not be read' },
  more: `Findings:\n${Object.entries(FINDINGS)
    .map(([name, explanation]) => `  ${name.padEnd(20)}  ${explanation}`)
    .join('\n')}`,
} as const;

const MAX_SHOWN = 10;

type Report = {
  items: number;
  jobs: Record<string, number>;
  oldestDueSeconds: number;
  findings: Partial<Record<FindingName, string[]>>;
};

const audit = async (
  table: ReturnType<typeof createDynamoJobAudit>,
  progress: (items: number) => void,
): Promise<Report> => {
  const report: Report = { items: 0, jobs: {}, oldestDueSeconds: 0, findings: {} };
  for await (const { jobs, items } of table.readAll()) {
    report.items += items;
    for (const audited of jobs) {
      const { status, dueAt, leasedUntil } = audited.job ?? {};
      const now = Date.now();
      if (audited.job) report.jobs[String(status)] = (report.jobs[String(status)] ?? 0) + 1;
      if (dueAt !== undefined && leasedUntil === undefined) {
        report.oldestDueSeconds = Math.max(report.oldestDueSeconds, Math.round((now - dueAt) / 1000));
      }
      if (auditJob(audited, now).length === 0) continue;
      // Jobs change during the scan, so re-read a suspicious job as a whole before reporting it.
      for (const finding of auditJob(await table.read(audited.jobId), Date.now())) {
        report.findings[finding] = [...(report.findings[finding] ?? []), audited.jobId];
      }
    }
    progress(report.items);
  }
  return report;
};

const toText = ({ items, jobs, oldestDueSeconds, findings }: Report): string => {
  const counts = Object.entries(jobs).map(([status, count]) => `${count} ${status}`);
  const lines = Object.entries(findings).flatMap(([name, jobIds]) => [
    `\n${name}: ${jobIds.length}. ${FINDINGS[name as FindingName]}`,
    ...jobIds.slice(0, MAX_SHOWN).map((jobId) => `  ${jobId}`),
    ...(jobIds.length > MAX_SHOWN ? [`  and ${jobIds.length - MAX_SHOWN} more: use --json to list all`] : []),
  ]);
  return [
    `${items} items. Jobs: ${counts.join(', ') || 'none'}. Oldest due job: ${oldestDueSeconds} s.`,
    ...(lines.length > 0 ? lines : ['No findings.']),
  ].join('\n');
};

const run = async (): Promise<void> => {
  const { values } = readArguments(AUDIT);
  await withStack(values, async (stack) => {
    const table = createDynamoJobAudit({ client: stack.database, tableName: stack.outputs.JobTableName ?? '' });
    const showsProgress = process.stderr.isTTY && !values.json;
    const report = await audit(table, (items) => showsProgress && process.stderr.write(`\r${items} items read`));
    if (showsProgress) process.stderr.write('\r\x1b[K');
    process.stdout.write(`${values.json ? JSON.stringify(report, null, 2) : toText(report)}\n`);
    const names = Object.keys(report.findings) as FindingName[];
    if (names.some((name) => !HARMLESS_FINDINGS.has(name))) process.exitCode = 1;
  });
};

try {
  await orFailUsage(AUDIT, run);
} catch (error) {
  const { name, message } = error as Error;
  console.error(['StackNotFound', 'DataFolderError'].includes(name) ? message : error);
  process.exitCode = 2;
}

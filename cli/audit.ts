import { parseArgs } from 'node:util';
import { createDynamoJobAudit } from '@boomerang/core/adapters/dynamo/job-audit.ts';
import { auditJob, FINDINGS, type FindingName } from '@boomerang/core/domain/audit.ts';
import { STACK_OPTIONS, withStack } from './stack.ts';
import { UsageError } from './usage-error.ts';

/** `npm run audit`: whether the table of jobs holds what it should. */

const USAGE = `Whether the table of jobs of a deployment holds what it should. It changes nothing.

  npm run audit                     the embedded cloud over DATA_DIR, running or not
  npm run audit -- --stage prod     a stack on AWS: reads its whole table, half a read unit for each 4 KB
  npm run audit -- --help

  --stack <name>           a stack on AWS that is not called boomerang-<stage>
  --json                   for machines

It ends with 0 when all is well, 1 when something was found, 2 when it could not look.

${Object.entries(FINDINGS)
  .map(([name, explanation]) => `  ${name.padEnd(20)} ${explanation}`)
  .join('\n')}
`;

const MAX_SHOWN = 10;

const read = () => {
  try {
    return parseArgs({
      options: {
        ...STACK_OPTIONS,
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
};

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
    for (const job of jobs) {
      const { status, dueAt, leasedUntil } = job.job ?? {};
      const now = Date.now();
      if (job.job) report.jobs[String(status)] = (report.jobs[String(status)] ?? 0) + 1;
      if (dueAt !== undefined && leasedUntil === undefined) {
        report.oldestDueSeconds = Math.max(report.oldestDueSeconds, Math.round((now - dueAt) / 1000));
      }
      if (auditJob(job, now).length === 0) continue;
      // Jobs change while a table is read: what looks wrong is read once more, all of it at one moment.
      for (const finding of auditJob(await table.read(job.jobId), Date.now())) {
        report.findings[finding] = [...(report.findings[finding] ?? []), job.jobId];
      }
    }
    progress(report.items);
  }
  return report;
};

const toText = ({ items, jobs, oldestDueSeconds, findings }: Report): string => {
  const counts = Object.entries(jobs).map(([status, count]) => `${count} ${status}`);
  const found = Object.entries(findings).flatMap(([name, jobIds]) => [
    `\n${name}: ${jobIds.length}. ${FINDINGS[name as FindingName]}`,
    ...jobIds.slice(0, MAX_SHOWN).map((jobId) => `  ${jobId}`),
    ...(jobIds.length > MAX_SHOWN ? [`  and ${jobIds.length - MAX_SHOWN} more: --json has them all`] : []),
  ]);
  return [
    `${items} items. Jobs: ${counts.join(', ') || 'none'}. The longest due waits for ${oldestDueSeconds} s.`,
    ...(found.length > 0 ? found : ['Nothing is wrong.']),
  ].join('\n');
};

const run = async (): Promise<void> => {
  const values = read();
  if (values.help) return void process.stdout.write(USAGE);
  await withStack(values, async (stack) => {
    const table = createDynamoJobAudit({ client: stack.database, tableName: stack.outputs.JobTableName ?? '' });
    const isShown = process.stderr.isTTY && !values.json;
    const report = await audit(table, (items) => isShown && process.stderr.write(`\r${items} items read`));
    if (isShown) process.stderr.write('\r\x1b[K');
    process.stdout.write(`${values.json ? JSON.stringify(report, null, 2) : toText(report)}\n`);
    if (Object.keys(report.findings).length > 0) process.exitCode = 1;
  });
};

try {
  await run();
} catch (error) {
  const { name, message } = error as Error;
  console.error(['UsageError', 'StackNotFound', 'DataFolderError'].includes(name) ? message : error);
  process.exitCode = 2;
}

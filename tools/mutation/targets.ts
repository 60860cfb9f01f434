/** A source file, and the suites in `tests/unit` that cover it. They run for each mutant: fewer are faster. */
export type Target = { file: string; suites: readonly string[] };

/** The rules that decide about jobs, third parties and clients. */
export const TARGETS: readonly Target[] = [
  { file: 'packages/core/domain/settle.ts', suites: ['settle'] },
  { file: 'packages/core/domain/outcomes.ts', suites: ['outcomes'] },
  { file: 'packages/core/domain/schedule.ts', suites: ['schedule', 'settle'] },
  { file: 'packages/core/domain/result-life.ts', suites: ['settle'] },
  { file: 'packages/core/domain/ttl.ts', suites: ['ttl'] },
  { file: 'packages/core/domain/circuit.ts', suites: ['circuit-breaker'] },
  { file: 'packages/core/use-cases/circuit-breaker.ts', suites: ['circuit-breaker'] },
  { file: 'packages/core/domain/client-rate.ts', suites: ['limit-client'] },
  { file: 'packages/core/use-cases/limit-client.ts', suites: ['limit-client'] },
  { file: 'packages/core/use-cases/freshness.ts', suites: ['circuit-breaker', 'limit-client'] },
  { file: 'packages/core/domain/job-stats.ts', suites: ['job-stats'] },
  { file: 'packages/core/domain/tickets.ts', suites: ['tickets'] },
  { file: 'packages/core/domain/job-filter.ts', suites: ['job-filter'] },
  { file: 'packages/core/domain/redrive.ts', suites: ['redrives', 'run-redrives'] },
  { file: 'packages/core/domain/control.ts', suites: ['control', 'job-actions'] },
  { file: 'packages/core/domain/catalogue/value-rules.ts', suites: ['parameters'] },
  { file: 'packages/core/domain/polling.ts', suites: ['polling'] },
  { file: 'packages/core/domain/status-url.ts', suites: ['polling', 'poll-provider'] },
  { file: 'packages/core/domain/link-header.ts', suites: ['link-header'] },
  { file: 'packages/core/domain/json-select.ts', suites: ['json-select'] },
  { file: 'packages/core/domain/json-position.ts', suites: ['json-position'] },
  { file: 'packages/core/domain/callback-headers.ts', suites: ['callback-headers'] },
  { file: 'functions/provider-fetch/limit-calls.ts', suites: ['limit-calls'] },
];

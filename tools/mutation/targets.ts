/** A source file and the suites in `tests/unit` that hold it: run for each mutant, so the fewer the faster. */
export type Target = { file: string; suites: readonly string[] };

/** What decides about jobs, third parties and clients. */
export const TARGETS: readonly Target[] = [
  { file: 'layers/core/domain/settle.ts', suites: ['settle'] },
  { file: 'layers/core/domain/outcomes.ts', suites: ['outcomes'] },
  { file: 'layers/core/domain/schedule.ts', suites: ['schedule', 'settle'] },
  { file: 'layers/core/domain/result-life.ts', suites: ['settle'] },
  { file: 'layers/core/domain/ttl.ts', suites: ['ttl'] },
  { file: 'layers/core/domain/circuit.ts', suites: ['circuit-breaker'] },
  { file: 'layers/core/use-cases/circuit-breaker.ts', suites: ['circuit-breaker'] },
  { file: 'layers/core/domain/client-rate.ts', suites: ['limit-client'] },
  { file: 'layers/core/use-cases/limit-client.ts', suites: ['limit-client'] },
  { file: 'layers/core/use-cases/freshness.ts', suites: ['circuit-breaker', 'limit-client'] },
  { file: 'functions/provider-fetch/limit-calls.ts', suites: ['limit-calls'] },
];

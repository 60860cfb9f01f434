import type { FailureCode, JobStatus } from '../domain/job.ts';

/** What operators may want to be told. The table is the truth: an event may be lost, or come twice. */
export type OperatorEvent =
  | {
      type: 'JobCompleted' | 'JobPartial' | 'JobFailed';
      jobId: string;
      clientId: string;
      status: JobStatus;
      failureCode?: FailureCode | undefined;
    }
  | {
      type: 'CircuitOpened' | 'CircuitClosed';
      /** `provider#<id>` or `callback#<clientId>#<host>`. */
      circuit: string;
      /** ISO 8601; when it is probed. */
      openUntil?: string;
      calls?: number;
      failures?: number;
    };

/** Tells operators, as far as that can be done: it neither throws nor takes long. */
export type PublishEvent = (event: OperatorEvent) => Promise<void>;

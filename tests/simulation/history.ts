import type { JobParameters, JobStatus, Metadata } from '@boomerang/core/domain/job.ts';
import type { Deployment, Generation } from './catalogues.ts';

/** Why something may happen twice that should happen once. */
export type Excuse = 'crash' | 'killed' | 'answer lost' | 'restarted' | 'time-out' | 'not kept';

/** Where work is asked for, in which round, and how the provider stands. */
export type Polled = { status: string; round: number | undefined; url: string | undefined; since: number | undefined };

/** What happened, seen from outside of the code under test: at the table, and at the third parties. */
export type HistoryEvent = { at: number } & (
  | { kind: 'accepted'; jobId: string }
  | {
      kind: 'born';
      jobId: string;
      claims: number;
      providers: string[];
      parameters: JobParameters | undefined;
      metadata: Metadata | undefined;
    }
  | {
      kind: 'taken';
      jobId: string;
      claims: number;
      by: 'sweep' | 'redrive' | 'cancel';
      leasedUntil: number;
      /** The round that a redrive begins. */
      round?: number;
    }
  | {
      kind: 'settled';
      jobId: string;
      claims: number;
      status: JobStatus;
      isOver: boolean;
      /** When it is due again; undefined when it is over. */
      dueAt: number | undefined;
      /** When each provider that is pending is to be asked again. */
      retryAt: Record<string, number>;
      /** What is kept of the provider that is polled, once something is. */
      polled?: Polled | undefined;
      /** Providers whose attempt failed by what the catalogue says, before any call. */
      uncalled: string[];
      /** Why each provider that is refused is: the class of its failure. */
      refused: Record<string, string>;
      /** Whether the job is listed as in trouble, and whether its state shows a failed attempt. */
      isInTrouble: boolean;
      hasFailed: boolean;
    }
  | { kind: 'expired'; jobId: string; providerId: string | undefined; isNeeded: boolean }
  | {
      kind: 'asked';
      jobId: string;
      providerId: string;
      claims: number;
      url: string;
      /** The catalogue of the process that asked, and what it sent as its credential. */
      generation: Generation;
      credential: string | undefined;
    }
  | ({ kind: 'deployed' } & Deployment)
  | { kind: 'gave'; jobId: string; providerId: string; claims: number; json: string }
  /** The provider that is polled was asked to start work, or for work that it started. */
  | { kind: 'requested'; jobId: string; claims: number; value: string }
  | { kind: 'polled'; jobId: string; claims: number; url: string; answer: string }
  | {
      kind: 'called back';
      jobId: string;
      webhookId: string;
      body: string;
      problem: string | undefined;
      isTaken: boolean;
    }
  | { kind: 'fault'; jobId: string | undefined; what: string; excuse?: Excuse | undefined }
);

export type History = {
  events: HistoryEvent[];
  add: (event: HistoryEvent extends infer E ? (E extends { at: number } ? Omit<E, 'at'> : never) : never) => void;
};

export const createHistory = (now: () => number): History => {
  const events: HistoryEvent[] = [];
  return { events, add: (event) => void events.push({ at: now(), ...event } as HistoryEvent) };
};

/** The history as text, a line an event; times are seconds since its beginning. */
export const toTrace = ({ events }: History, start: number): string[] =>
  events.map(({ at, kind, ...facts }) => {
    const shown = JSON.stringify(facts, (_key, value) =>
      typeof value === 'string' && value.length > 200 ? `${value.slice(0, 200)}…` : value,
    );
    return `${((at - start) / 1000).toFixed(3).padStart(10)}  ${kind.padEnd(12)} ${shown}`;
  });

import type { JobParameters, JobStatus, Metadata } from '@boomerang/core/domain/job.ts';

/** Why something may happen twice that should happen once. */
export type Excuse = 'crash' | 'killed' | 'answer lost' | 'restarted' | 'time-out' | 'not kept';

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
  | { kind: 'taken'; jobId: string; claims: number; by: 'sweep' | 'redrive' | 'cancel'; leasedUntil: number }
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
    }
  | { kind: 'expired'; jobId: string; providerId: string | undefined; isNeeded: boolean }
  | { kind: 'asked'; jobId: string; providerId: string; claims: number; url: string }
  | { kind: 'gave'; jobId: string; providerId: string; claims: number; json: string }
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

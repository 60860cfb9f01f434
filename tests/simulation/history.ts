import type { JobParameters, JobStatus, Metadata } from '@boomerang/core/domain/job.ts';
import type { CatalogueName, Deployment } from './catalogues.ts';

/** Why something that should happen once may happen twice. */
export type Excuse = 'crash' | 'killed' | 'response lost' | 'restarted' | 'timed out' | 'not kept';

/** The stored state of polled work: the provider's status, the round, and the ticket. */
export type Polled = { status: string; round: number | undefined; url: string | undefined; since: number | undefined };

/** An event observed outside the code under test: at the table or at a third party. */
export type HistoryEvent = { at: number } & (
  | { kind: 'accepted'; jobId: string }
  | {
      kind: 'created';
      jobId: string;
      claims: number;
      providers: string[];
      parameters: JobParameters | undefined;
      metadata: Metadata | undefined;
    }
  | {
      kind: 'claimed';
      jobId: string;
      claims: number;
      by: 'sweep' | 'redrive' | 'cancel';
      leasedUntil: number;
      /** The round that a redrive starts. */
      round?: number;
    }
  | {
      kind: 'settled';
      jobId: string;
      claims: number;
      status: JobStatus;
      isOver: boolean;
      /** When it is due again; undefined if it has ended. */
      dueAt: number | undefined;
      /** When each pending provider is fetched again. */
      retryAt: Record<string, number>;
      /** The stored state of the polled provider, if there is any. */
      polled?: Polled | undefined;
      /** Providers whose attempt failed because of the catalogue, before any call. */
      uncalled: string[];
      /** The failure class of each refused provider. */
      refused: Record<string, string>;
      /** Whether the job is listed as in trouble. */
      isInTrouble: boolean;
      /** Whether its state shows a failed attempt. */
      hasFailed: boolean;
    }
  | { kind: 'expired'; jobId: string; providerId: string | undefined; isNeeded: boolean }
  | {
      kind: 'called';
      jobId: string;
      providerId: string;
      claims: number;
      url: string;
      /** The catalogue of the calling process. */
      catalogueName: CatalogueName;
      /** The authorization header. */
      credential: string | undefined;
    }
  | ({ kind: 'deployed' } & Deployment)
  | { kind: 'answered'; jobId: string; providerId: string; claims: number; json: string }
  /** The polled provider got a request to start work. */
  | { kind: 'requested'; jobId: string; claims: number; idempotencyKey: string }
  /** The polled provider got a poll. */
  | { kind: 'polled'; jobId: string; claims: number; url: string; response: string }
  | {
      kind: 'called back';
      jobId: string;
      webhookId: string;
      body: string;
      problem: string | undefined;
      isAccepted: boolean;
    }
  | { kind: 'fault'; jobId: string | undefined; description: string; excuse?: Excuse | undefined }
);

export type History = {
  events: HistoryEvent[];
  add: (event: HistoryEvent extends infer E ? (E extends { at: number } ? Omit<E, 'at'> : never) : never) => void;
};

export const createHistory = (now: () => number): History => {
  const events: HistoryEvent[] = [];
  return { events, add: (event) => void events.push({ at: now(), ...event } as HistoryEvent) };
};

/** The history as text, one line per event, with times in seconds since `start`. */
export const toTrace = ({ events }: History, start: number): string[] =>
  events.map(({ at, kind, ...facts }) => {
    const shown = JSON.stringify(facts, (_key, value) =>
      typeof value === 'string' && value.length > 200 ? `${value.slice(0, 200)}…` : value,
    );
    return `${((at - start) / 1000).toFixed(3).padStart(10)}  ${kind.padEnd(12)} ${shown}`;
  });

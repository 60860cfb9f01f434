import type { OperatorEvent } from '../contracts/operator-event.ts';

export type { OperatorEvent };

/** Publishes an event to operators, best effort: never throws, and gives up after a second. */
export type PublishEvent = (event: OperatorEvent) => Promise<void>;

import type { OperatorEvent } from '../contracts/operator-event.ts';

export type { OperatorEvent };

/** Tells operators, as far as that can be done: it neither throws nor takes long. */
export type PublishEvent = (event: OperatorEvent) => Promise<void>;

import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { operatorEventSchema } from '../contracts/operator-event.ts';
import type { Log } from '../observability/logger.ts';
import type { OperatorEvent, PublishEvent } from '../ports/events.ts';

/** The source that EventBridge rules match. */
const SOURCE = 'boomerang';
/** Version of the event detail. */
const VERSION = 1;
/** Limit of one publish, which callers wait for. */
const TIMEOUT_MS = 1_000;

/** Which events are published; `failures`: all but `JobCompleted`, which would cost each healthy job a call. */
export type PublishedEvents = 'all' | 'failures' | 'none';

const isPublished = (type: OperatorEvent['type'], published: PublishedEvents): boolean =>
  published === 'all' || (published === 'failures' && type !== 'JobCompleted');

/** Publishes to EventBridge's default bus: source `boomerang`, detail type = the event's type. */
export const createPublishEvent =
  (client: EventBridgeClient, published: PublishedEvents, log: Log): PublishEvent =>
  async (event) => {
    if (!isPublished(event.type, published)) return;
    try {
      // Strips fields that are not in the event's schema.
      const { type, ...detail } = operatorEventSchema.parse(event);
      const entry = { Source: SOURCE, DetailType: type, Detail: JSON.stringify({ v: VERSION, ...detail }) };
      const abortSignal = AbortSignal.timeout(TIMEOUT_MS);
      const { FailedEntryCount } = await client.send(new PutEventsCommand({ Entries: [entry] }), { abortSignal });
      if (FailedEntryCount) throw new Error('the event bus rejected the entry');
    } catch (error) {
      log.warn('Event publish failed', { type: event.type, error });
    }
  };

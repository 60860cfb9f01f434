import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { operatorEventSchema } from '../contracts/operator-event.ts';
import type { Log } from '../observability/logger.ts';
import type { PublishEvent } from '../ports/events.ts';

/** By which rules find the events. */
const SOURCE = 'boomerang';
/** Version of the events' detail. */
const VERSION = 1;
/** Nobody waits longer for operators to be told. */
const TIMEOUT_MS = 1_000;

/** Publishes to the default bus of EventBridge: source `boomerang`, detail type the event's. */
export const createPublishEvent =
  (client: EventBridgeClient, log: Log): PublishEvent =>
  async (event) => {
    try {
      // Only what the event's schema names goes out.
      const { type, ...detail } = operatorEventSchema.parse(event);
      const entry = { Source: SOURCE, DetailType: type, Detail: JSON.stringify({ v: VERSION, ...detail }) };
      const abortSignal = AbortSignal.timeout(TIMEOUT_MS);
      const { FailedEntryCount } = await client.send(new PutEventsCommand({ Entries: [entry] }), { abortSignal });
      if (FailedEntryCount) throw new Error('the bus did not take it');
    } catch (error) {
      log.warn('Could not publish an event', { type: event.type, error });
    }
  };

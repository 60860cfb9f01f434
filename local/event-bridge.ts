import { createServer } from 'node:http';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { Access } from './access.ts';
import { type Listening, listen } from './http-server.ts';
import { rejected, type Service, serve, succeeded } from './service.ts';

type Entry = { Source?: string; DetailType?: string; Detail?: string };

/** A default event bus that logs each event: `PutEvents` of the EventBridge API (AWS JSON 1.1). */
export const createEventBus =
  (log: Log): Service =>
  async (operation, body) => {
    if (operation !== 'PutEvents') return rejected('UnknownOperationException');
    try {
      const { Entries = [] } = JSON.parse(body) as { Entries?: Entry[] };
      for (const { Source, DetailType, Detail = '{}' } of Entries) {
        log.info('Event', { source: Source, type: DetailType, detail: JSON.parse(Detail) });
      }
      return succeeded({ FailedEntryCount: 0, Entries: Entries.map((_, index) => ({ EventId: String(index) })) });
    } catch (error) {
      return rejected('ValidationException', (error as Error).message);
    }
  };

/** Serves an event bus to requests signed with these credentials. */
export const serveEventBus = (bus: Service, access: Access): Promise<Listening> =>
  listen(
    createServer(
      serve({ name: 'events', target: 'AWSEvents', contentType: 'application/x-amz-json-1.1' }, access, bus),
    ),
    0,
  );

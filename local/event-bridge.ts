import { createServer } from 'node:http';
import type { Log } from '@boomerang/core/observability/logger.ts';
import type { Access } from './access.ts';
import { guarded } from './guarded-endpoint.ts';
import { type Listening, listen } from './http-server.ts';

type Entry = { Source?: string; DetailType?: string; Detail?: string };

/**
 * Starts a default event bus that logs each event. Implements `PutEvents` of the EventBridge API (AWS JSON 1.1), for requests
 * signed with these credentials.
 */
export const startEventBridge = async (access: Access, log: Log): Promise<Listening> => {
  const server = createServer(
    guarded('events', access, ({ headers, body }, response) => {
      const send = (status: number, answer: unknown): void =>
        void response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
      try {
        if (headers['x-amz-target'] !== 'AWSEvents.PutEvents') {
          return send(400, { __type: 'UnknownOperationException' });
        }
        const { Entries = [] } = JSON.parse(body.toString('utf8')) as { Entries?: Entry[] };
        for (const { Source, DetailType, Detail = '{}' } of Entries) {
          log.info('Event', { source: Source, type: DetailType, detail: JSON.parse(Detail) });
        }
        send(200, { FailedEntryCount: 0, Entries: Entries.map((_, index) => ({ EventId: String(index) })) });
      } catch (error) {
        send(400, { __type: 'ValidationException', message: (error as Error).message });
      }
    }),
  );
  return listen(server, 0);
};

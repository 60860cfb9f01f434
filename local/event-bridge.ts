import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Log } from '@boomerang/core/observability/logger.ts';
import { type Listening, listen } from './http-server.ts';

type Entry = { Source?: string; DetailType?: string; Detail?: string };

/** The default bus, with one subscriber: the log. It answers `PutEvents` of the EventBridge API, AWS JSON 1.1. */
export const startEventBridge = async (log: Log): Promise<Listening> => {
  const server = createServer((request, response) => {
    const send = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
    text(request)
      .then((body) => {
        if (request.headers['x-amz-target'] !== 'AWSEvents.PutEvents') {
          return send(400, { __type: 'UnknownOperationException' });
        }
        const { Entries = [] } = JSON.parse(body) as { Entries?: Entry[] };
        for (const { Source, DetailType, Detail = '{}' } of Entries) {
          log.info('Event', { source: Source, type: DetailType, detail: JSON.parse(Detail) });
        }
        return send(200, { FailedEntryCount: 0, Entries: Entries.map((_, index) => ({ EventId: String(index) })) });
      })
      .catch((error: Error) => send(400, { __type: 'ValidationException', message: error.message }));
  });
  return listen(server, 0);
};

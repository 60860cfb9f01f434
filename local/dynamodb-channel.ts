import type { Worker } from 'node:worker_threads';
import type { Answer, Service } from './service.ts';

/** A call from the main thread to the database's thread, and its response. */
export type DatabaseRequest = { id: number; operation: string; body: string };
export type DatabaseResponse = Answer & { id: number };

type Waiting = { resolve: (answer: Answer) => void; reject: (error: Error) => void };

/** Connects to the database in a worker thread. If the thread ends, pending calls fail with `ECONNRESET`. */
export const connect = (worker: Worker): Service => {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  worker.on('message', ({ id, status, body }: DatabaseResponse) => {
    waiting.get(id)?.resolve({ status, body });
    waiting.delete(id);
  });
  worker.once('exit', () => {
    for (const { reject } of waiting.values()) reject(networkError('ECONNRESET'));
    waiting.clear();
  });
  return (operation, body) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    lastId += 1;
    waiting.set(lastId, { resolve, reject });
    worker.postMessage({ id: lastId, operation, body } satisfies DatabaseRequest);
    return promise;
  };
};

/** Stands in for the database while it is down: every call fails with `ECONNREFUSED`. */
export const unreachable: Service = () => Promise.reject(networkError('ECONNREFUSED'));

const networkError = (code: string): Error => Object.assign(new Error(`${code}: the database is down`), { code });

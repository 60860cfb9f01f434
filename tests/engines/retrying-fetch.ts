import { setTimeout as sleep } from 'node:timers/promises';

/** Statuses with which an emulator responds if it could not run a function in time. */
const EMULATOR_STATUSES = new Set([429, 500, 502, 503, 504]);
/** Present in every response of our functions, including errors. */
const OUR_HEADER = 'content-security-policy';

const FIRST_DELAY_MS = 500;
const MAX_ATTEMPTS = 5;

/** The number of emulator failures before this response. In each, the function may have run and its response been lost. */
export const FAILED_BEFORE = 'x-emulator-failed-before';

/**
 * A fetch for APIs in an emulator: retries errors of the emulator, and returns every response of our functions.
 * @param fetch sends the requests
 * @param wait sleeps between attempts, in milliseconds
 */
export const createRetryingFetch =
  (fetch: typeof globalThis.fetch, wait: (ms: number) => Promise<unknown> = sleep): typeof globalThis.fetch =>
  async (input, init) => {
    for (let failures = 0; ; failures += 1) {
      const response = await fetch(input, init);
      if (EMULATOR_STATUSES.has(response.status) && !response.headers.has(OUR_HEADER) && failures + 1 < MAX_ATTEMPTS) {
        await wait(FIRST_DELAY_MS * 2 ** failures);
        continue;
      }
      if (failures === 0) return response;
      const headers = new Headers(response.headers);
      headers.set(FAILED_BEFORE, String(failures));
      const { status, statusText } = response;
      return new Response(status === 204 ? null : await response.arrayBuffer(), { status, statusText, headers });
    }
  };

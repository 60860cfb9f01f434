import { setTimeout as sleep } from 'node:timers/promises';

/** What an emulator answers in place of a function that it could not run in time, on a busy machine. */
const EMULATORS_OWN = new Set([429, 500, 502, 503, 504]);
/** Every answer of our own functions has it, errors included. */
const OUR_HEADER = 'content-security-policy';

const FIRST_DELAY_MS = 500;
const MAX_TRIES = 5;

/** Says on an answer how often the emulator failed before; a function may have worked each time, its answer unheard. */
export const FAILED_BEFORE = 'x-emulator-failed-before';

/**
 * A fetch for APIs in an emulator: its own errors are tried again, a few times; whatever our functions answer counts.
 * @param fetch what sends
 * @param wait milliseconds between two tries
 */
export const createPatientFetch =
  (fetch: typeof globalThis.fetch, wait: (ms: number) => Promise<unknown> = sleep): typeof globalThis.fetch =>
  async (input, init) => {
    for (let failures = 0; ; failures += 1) {
      const answer = await fetch(input, init);
      if (EMULATORS_OWN.has(answer.status) && !answer.headers.has(OUR_HEADER) && failures + 1 < MAX_TRIES) {
        await wait(FIRST_DELAY_MS * 2 ** failures);
        continue;
      }
      if (failures === 0) return answer;
      const headers = new Headers(answer.headers);
      headers.set(FAILED_BEFORE, String(failures));
      const { status, statusText } = answer;
      return new Response(status === 204 ? null : await answer.arrayBuffer(), { status, statusText, headers });
    }
  };

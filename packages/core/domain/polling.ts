import type { Parameters, Polling, Provider } from './catalogue/provider-schema.ts';
import { expandTemplate, UnsafeExpansion } from './catalogue/url-template.ts';
import { parsePointer, selectJson, selectValue } from './json-select.ts';
import { resolveSameOrigin, UnusableAddress } from './status-url.ts';

/**
 * How answers of a provider with `polling` are read: to the request that starts its work, and to the question whether it is
 * done. Only answers that are successes come here; what else a provider answers is read as of any other.
 *
 * | answer | to the start | to the question |
 * |---|---|---|
 * | a status in `succeeded` | data, or where it is | data, or where it is |
 * | a status in `failed` | failed | failed |
 * | a status in `pending` | working | working |
 * | any other status, or none | working if it says where to ask | broken; a 202 without a status is working |
 * | without `statusAt`: 202 | working | working |
 * | without `statusAt`: another | working if it says where to ask, else data if it is a 200 | data, or where it is |
 * | 303 | working, to be asked there | data is there |
 */
export type Progress =
  /** @property url where to ask from now on; absent: where it was asked */
  | { kind: 'working'; url?: string }
  /** The answer has the data. */
  | { kind: 'done' }
  | { kind: 'elsewhere'; url: string }
  | { kind: 'failed' }
  /**
   * It does not keep to what its catalogue says.
   * @property reason a clause about it, without a secret
   * @property named an address that it named, which may hold one
   */
  | { kind: 'broken'; reason: string; named?: string };

export type PolledAnswer = {
  statusCode: number;
  /** Its `Location`; empty: none. */
  location: string | undefined;
  /** Its body as JSON text; undefined where it is none. */
  json: string | undefined;
  /** The URL of the request. */
  asked: string;
};

/** What of a provider says how its work is polled. */
export type PolledProvider = Pick<Provider, 'parameters'> & { polling: Polling };

const ACCEPTED = 202;
const SEE_OTHER = 303;
/** 203 is a 200 that a proxy changed (RFC 9110 §15.3.4); the others say that there is nothing. */
const COMPLETE = new Set([200, 203, 204, 205]);

/**
 * Reads the answer to a request that starts work.
 * @param values what the request was expanded with, defaults filled in
 */
export const readStart = (provider: PolledProvider, answer: PolledAnswer, values: Parameters): Progress => {
  const { polling } = provider;
  const { statusCode } = answer;
  return explained(() => {
    const state = statusCode === SEE_OTHER ? undefined : stateOf(polling, answer);
    if (state === 'succeeded') return finished(polling, answer);
    if (state === 'failed') return { kind: 'failed' };
    const url = statusUrlOf(provider, answer, values);
    if (url !== undefined) return { kind: 'working', url };
    // HTTP itself says that nothing is to come.
    const isWhole = 'from' in polling.statusUrl && !polling.statusAt && COMPLETE.has(statusCode);
    return isWhole
      ? finished(polling, answer)
      : { kind: 'broken', reason: `it does not say where to ask: ${missing(polling)}` };
  });
};

/** Reads the answer to a question whether work is done. */
export const readStatus = ({ polling }: PolledProvider, answer: PolledAnswer): Progress => {
  const { statusCode, location, asked } = answer;
  return explained(() => {
    if (statusCode === SEE_OTHER) {
      if (!location) return { kind: 'broken', reason: 'a 303 without a Location' };
      return { kind: 'elsewhere', url: named('its Location', () => resolveSameOrigin(location, asked)) };
    }
    const state = stateOf(polling, answer);
    const isUnsaid = state === undefined || state === 'absent';
    if (state === 'pending' || (isUnsaid && statusCode === ACCEPTED)) return stillWorking(polling, answer);
    if (state === 'succeeded' || state === undefined) return finished(polling, answer);
    if (state === 'failed') return { kind: 'failed' };
    return {
      kind: 'broken',
      reason: state === 'absent' ? 'it has no status' : `no list names its status, ${state.unknown}`,
    };
  });
};

/** Some name another address with each answer, of which the last counts (OData, Azure). */
const stillWorking = ({ statusUrl }: Polling, { statusCode, location, asked }: PolledAnswer): Progress => {
  if (!('from' in statusUrl) || statusCode !== ACCEPTED || !location) return { kind: 'working' };
  return { kind: 'working', url: named('its Location', () => resolveSameOrigin(location, asked)) };
};

/** Work that is done: its data is in the answer, or where the answer says. */
const finished = ({ resultUrlAt }: Polling, answer: PolledAnswer): Progress => {
  if (resultUrlAt === undefined) return { kind: 'done' };
  const url = urlAt(resultUrlAt, answer);
  return url === undefined ? { kind: 'broken', reason: `no result URL at ${resultUrlAt}` } : { kind: 'elsewhere', url };
};

/** In which list a status is; undefined where the catalogue names no place for one. */
type State = 'pending' | 'succeeded' | 'failed' | 'absent' | { unknown: string } | undefined;

const MAX_QUOTED_CHARACTERS = 40;

const stateOf = (polling: Polling, { json }: PolledAnswer): State => {
  const { statusAt } = polling;
  if (statusAt === undefined) return undefined;
  const text = json === undefined ? undefined : selectJson(json, parsePointer(statusAt));
  if (text === undefined) return 'absent';
  const value: unknown = JSON.parse(text);
  const isIn = (list: Polling['pending']) => list.some((one) => one === value);
  if (isIn(polling.succeeded)) return 'succeeded';
  if (isIn(polling.failed)) return 'failed';
  if (isIn(polling.pending)) return 'pending';
  return { unknown: text.length > MAX_QUOTED_CHARACTERS ? `${text.slice(0, MAX_QUOTED_CHARACTERS)}…` : text };
};

/** Where an answer says that its work is to be asked for; undefined where it does not. @throws UnusableAddress */
const statusUrlOf = (provider: PolledProvider, answer: PolledAnswer, values: Parameters): string | undefined => {
  const { statusUrl } = provider.polling;
  const { location, asked } = answer;
  if ('from' in statusUrl || answer.statusCode === SEE_OTHER) {
    if (!location) return undefined;
    return named('its Location', () => resolveSameOrigin(location, asked));
  }
  if ('at' in statusUrl) return urlAt(statusUrl.at, answer);
  const id = idAt(statusUrl.idAt, answer);
  if (id === undefined) return undefined;
  return named(`its id at ${statusUrl.idAt}:`, () =>
    resolveSameOrigin(expandTemplate(statusUrl.template, provider.parameters, { ...values, id }), asked),
  );
};

const urlAt = (pointer: string, { json, asked }: PolledAnswer): string | undefined => {
  const value = json === undefined ? undefined : selectValue(json, parsePointer(pointer));
  if (value === undefined || value === null) return undefined;
  return named(`its URL at ${pointer}`, () => {
    if (typeof value !== 'string' || value === '') throw new UnusableAddress('is not a string');
    return resolveSameOrigin(value, asked);
  });
};

/** An id keeps every digit that it came with. */
const idAt = (pointer: string, { json }: PolledAnswer): string | undefined => {
  const text = json === undefined ? undefined : selectJson(json, parsePointer(pointer));
  if (text === undefined || text === 'null' || text === '""') return undefined;
  if (text.startsWith('"')) return JSON.parse(text) as string;
  if (/^-?\d+$/.test(text)) return text;
  return named(`its id at ${pointer}`, () => {
    throw new UnusableAddress('is neither a string nor an integer');
  });
};

/** Says of what an address is. */
const named = <T>(what: string, run: () => T): T => {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof UnusableAddress || error instanceof UnsafeExpansion)) throw error;
    const reference = error instanceof UnusableAddress ? error.reference : undefined;
    throw new UnusableAddress(`${what} ${error.message}`, reference, { cause: error });
  }
};

const explained = (run: () => Progress): Progress => {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof UnusableAddress)) throw error;
    const { message: reason, reference: named } = error;
    return { kind: 'broken', reason, ...(named !== undefined && { named }) };
  }
};

const missing = ({ statusUrl }: Polling): string => {
  if ('from' in statusUrl) return 'no Location';
  return 'at' in statusUrl ? `nothing at ${statusUrl.at}` : `no id at ${statusUrl.idAt}`;
};

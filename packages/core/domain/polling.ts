import type { Parameters, Polling, Provider } from './catalogue/provider-schema.ts';
import { expandTemplate, UnsafeExpansion } from './catalogue/url-template.ts';
import { parsePointer, selectJson, selectValue } from './json-select.ts';
import { resolveSameOrigin, UnusableAddress } from './status-url.ts';

/**
 * How responses of a provider with `polling` are read: the response to the request that starts its work (the start), and the
 * response to a poll. Only responses that count as successes are read here; others are read as for any provider. With
 * `resultUrlAt`, a response has the URL of the data instead of the data.
 *
 * | response | to the start | to a poll |
 * |---|---|---|
 * | a status in `succeeded` | data or its URL | data or its URL |
 * | a status in `failed` | failed | failed |
 * | a status in `pending` | working if it has a status URL | working |
 * | any other status, or none | working if it has a status URL | broken; a 202 without a status is working |
 * | without `statusAt`: 202 | working if it has a status URL | working |
 * | without `statusAt`: another | working if it has a status URL, else data if it is a 200 | data or its URL |
 * | 303 | working; its Location is the status URL | its Location has the data |
 */
export type Progress =
  /** @property url where to poll from now on; absent to keep the URL that the response came from */
  | { kind: 'working'; url?: string }
  /** The response has the data. */
  | { kind: 'done' }
  /** The data is at `url`. */
  | { kind: 'elsewhere'; url: string }
  | { kind: 'failed' }
  /**
   * The response contradicts the catalogue.
   * @property reason a clause without secrets
   * @property reference the URL in question, as sent; it may contain a secret
   */
  | { kind: 'broken'; reason: string; reference?: string };

export type PolledResponse = {
  statusCode: number;
  /** The `Location` header; an empty one counts as absent. */
  location: string | undefined;
  /** The body; undefined if it is not JSON. */
  json: string | undefined;
  /** The URL of the request. */
  requestUrl: string;
};

/** The parts of a provider that polling reads. */
export type PolledProvider = Pick<Provider, 'parameters'> & { polling: Polling };

const ACCEPTED = 202;
const SEE_OTHER = 303;
/** 203 is a 200 modified by a proxy (RFC 9110 §15.3.4); 204 and 205 have no content. */
const COMPLETE = new Set([200, 203, 204, 205]);

/**
 * Reads the response to a request that starts work.
 * @param values the values of the request's parameters, with defaults filled in
 */
export const readStart = (provider: PolledProvider, response: PolledResponse, values: Parameters): Progress => {
  const { polling } = provider;
  const { statusCode } = response;
  return brokenIfUnusable(() => {
    const state = statusCode === SEE_OTHER ? undefined : stateOf(polling, response);
    if (state === 'succeeded') return finished(polling, response);
    if (state === 'failed') return { kind: 'failed' };
    const url = statusUrlOf(provider, response, values);
    if (url !== undefined) return { kind: 'working', url };
    // A 200 without a Location completes the request (RFC 9110); nothing is left to poll for.
    const isFinished = 'from' in polling.statusUrl && !polling.statusAt && COMPLETE.has(statusCode);
    if (isFinished) return finished(polling, response);
    return { kind: 'broken', reason: `no status URL: ${missingPart(polling)}` };
  });
};

/** Reads the response to a poll. */
export const readStatus = ({ polling }: PolledProvider, response: PolledResponse): Progress => {
  const { statusCode, location, requestUrl } = response;
  return brokenIfUnusable(() => {
    if (statusCode === SEE_OTHER) {
      if (!location) return { kind: 'broken', reason: 'a 303 without a Location' };
      return { kind: 'elsewhere', url: locationUrl(location, requestUrl) };
    }
    const state = stateOf(polling, response);
    const hasNoState = state === undefined || state === 'absent';
    if (state === 'pending' || (hasNoState && statusCode === ACCEPTED)) return stillWorking(polling, response);
    if (state === 'succeeded' || state === undefined) return finished(polling, response);
    if (state === 'failed') return { kind: 'failed' };
    return {
      kind: 'broken',
      reason: state === 'absent' ? 'no status' : `unknown status ${state.unknown}`,
    };
  });
};

/** Some providers send a new status URL with each response; the latest counts (OData, Azure). */
const stillWorking = ({ statusUrl }: Polling, { statusCode, location, requestUrl }: PolledResponse): Progress => {
  if (!('from' in statusUrl) || statusCode !== ACCEPTED || !location) return { kind: 'working' };
  return { kind: 'working', url: locationUrl(location, requestUrl) };
};

/** Finished work: its data is in the response or at `resultUrlAt`. */
const finished = ({ resultUrlAt }: Polling, response: PolledResponse): Progress => {
  if (resultUrlAt === undefined) return { kind: 'done' };
  const url = urlAt(resultUrlAt, response);
  return url === undefined ? { kind: 'broken', reason: `no result URL at ${resultUrlAt}` } : { kind: 'elsewhere', url };
};

/**
 * The list that contains a response's status; `absent` if the response has no status; `unknown` if no list contains it.
 * Undefined if the provider has no `statusAt`.
 */
type State = 'pending' | 'succeeded' | 'failed' | 'absent' | { unknown: string } | undefined;

const MAX_QUOTED_CHARACTERS = 40;

const stateOf = (polling: Polling, { json }: PolledResponse): State => {
  const { statusAt } = polling;
  if (statusAt === undefined) return undefined;
  const text = json === undefined ? undefined : selectJson(json, parsePointer(statusAt));
  if (text === undefined) return 'absent';
  const value: unknown = JSON.parse(text);
  const isIn = (list: Polling['pending']) => list.some((status) => status === value);
  if (isIn(polling.succeeded)) return 'succeeded';
  if (isIn(polling.failed)) return 'failed';
  if (isIn(polling.pending)) return 'pending';
  return { unknown: text.length > MAX_QUOTED_CHARACTERS ? `${text.slice(0, MAX_QUOTED_CHARACTERS)}…` : text };
};

/** The status URL in a response; undefined if there is none. @throws UnusableAddress */
const statusUrlOf = (provider: PolledProvider, response: PolledResponse, values: Parameters): string | undefined => {
  const { statusUrl } = provider.polling;
  const { location, requestUrl } = response;
  if ('from' in statusUrl || response.statusCode === SEE_OTHER) {
    if (!location) return undefined;
    return locationUrl(location, requestUrl);
  }
  if ('at' in statusUrl) return urlAt(statusUrl.at, response);
  const id = idAt(statusUrl.idAt, response);
  if (id === undefined) return undefined;
  return withContext(`the id at ${statusUrl.idAt}:`, () =>
    resolveSameOrigin(expandTemplate(statusUrl.template, provider.parameters, { ...values, id }), requestUrl),
  );
};

const locationUrl = (location: string, requestUrl: string): string =>
  withContext('the Location', () => resolveSameOrigin(location, requestUrl));

const urlAt = (pointer: string, { json, requestUrl }: PolledResponse): string | undefined => {
  const value = json === undefined ? undefined : selectValue(json, parsePointer(pointer));
  if (value === undefined || value === null) return undefined;
  return withContext(`the URL at ${pointer}`, () => {
    if (typeof value !== 'string' || value === '') throw new UnusableAddress('is not a string');
    return resolveSameOrigin(value, requestUrl);
  });
};

/** Numeric ids are kept as text, so that no digit is lost. */
const idAt = (pointer: string, { json }: PolledResponse): string | undefined => {
  const text = json === undefined ? undefined : selectJson(json, parsePointer(pointer));
  if (text === undefined || text === 'null' || text === '""') return undefined;
  if (text.startsWith('"')) return JSON.parse(text) as string;
  if (/^-?\d+$/.test(text)) return text;
  throw new UnusableAddress(`the id at ${pointer} is neither a string nor an integer`);
};

/** Prefixes errors with the part of the response that they are about. */
const withContext = <T>(subject: string, run: () => T): T => {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof UnusableAddress || error instanceof UnsafeExpansion)) throw error;
    const reference = error instanceof UnusableAddress ? error.reference : undefined;
    throw new UnusableAddress(`${subject} ${error.message}`, reference, { cause: error });
  }
};

const brokenIfUnusable = (run: () => Progress): Progress => {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof UnusableAddress)) throw error;
    const { message: reason, reference } = error;
    return { kind: 'broken', reason, ...(reference !== undefined && { reference }) };
  }
};

const missingPart = ({ statusUrl }: Polling): string => {
  if ('from' in statusUrl) return 'no Location';
  return 'at' in statusUrl ? `nothing at ${statusUrl.at}` : `no id at ${statusUrl.idAt}`;
};

import type { HttpAnswer, HttpRequest, SendHttp } from '@boomerang/core/ports/http.ts';

/** One step of a script: an answer, of which the rest is a plain 200, or an error to throw. */
export type ScriptedAnswer = Partial<HttpAnswer> | Error;

/** An HTTP port that plays a script, call by call; its last step repeats. It keeps every request. */
export const createFakeHttp = (...script: ScriptedAnswer[]): { send: SendHttp; requests: HttpRequest[] } => {
  const requests: HttpRequest[] = [];
  const send: SendHttp = async (request) => {
    const step = script[Math.min(requests.length, script.length - 1)] ?? {};
    requests.push(request);
    if (step instanceof Error) throw step;
    return { statusCode: 200, headers: {}, body: Buffer.alloc(0), durationMs: 1, ...step };
  };
  return { send, requests };
};

import type { HttpRequest, HttpResponse, SendHttp } from '@boomerang/core/ports/http.ts';

/** One step of a script: a response, by default an empty 200, or an error to throw. */
export type ScriptedResponse = Partial<HttpResponse> | Error;

/** An HTTP port that plays a script, call by call, and records every request. The last step repeats. */
export const createFakeHttp = (...script: ScriptedResponse[]): { send: SendHttp; requests: HttpRequest[] } => {
  const requests: HttpRequest[] = [];
  const send: SendHttp = async (request) => {
    const step = script[Math.min(requests.length, script.length - 1)] ?? {};
    requests.push(request);
    if (step instanceof Error) throw step;
    return { statusCode: 200, headers: {}, body: Buffer.alloc(0), durationMs: 1, ...step };
  };
  return { send, requests };
};

import type { Settings } from '../config/settings.ts';

/** Every route of both APIs, but for the fallbacks. A test holds them to be those of template.yaml. */
export const ROUTES = {
  service: [
    'POST /webhook',
    'GET /jobs',
    'GET /jobs/{jobId}',
    'GET /jobs/{jobId}/data',
    'POST /jobs/{jobId}/redrive',
    'POST /jobs/{jobId}/cancel',
    'DELETE /jobs/{jobId}',
    'GET /catalogue',
    'POST /redrives',
    'GET /redrives/{redriveId}',
    'POST /complete',
    'GET /health',
    'GET /openapi.json',
    'GET /docs',
  ],
  providers: [
    'GET /providers',
    'GET /providers/{providerId}',
    'GET /providers/gas/accounts/{account}/bills',
    'GET /providers/internet/bills',
    'POST /providers/token',
    'POST /providers/reports',
    'GET /providers/reports/{reportId}',
    'GET /openapi.json',
    'GET /docs',
  ],
} as const;

export type ApiName = keyof typeof ROUTES;

/**
 * The methods that an API has at a path, in no particular order; none where the path is unknown. Where several patterns match,
 * the most specific one decides: `/providers/token` takes POST only, although `GET /providers/{providerId}` matches it.
 * @param path as it came, still percent-encoded
 */
export const allowedMethods = (api: ApiName, path: string): string[] => {
  const matching = ROUTES[api]
    .map((route) => {
      const [method = '', pattern = ''] = route.split(' ');
      return { method, pattern };
    })
    .filter(({ pattern }) => matchesPath(pattern, path))
    .sort((a, b) => compareSpecificity(a.pattern, b.pattern));
  const [first] = matching;
  return matching.flatMap(({ method, pattern }) => (pattern === first?.pattern ? [method] : []));
};

/**
 * Orders path patterns from the most specific to the least, as API Gateway chooses among routes of one method: a literal segment
 * goes before a variable, and segments are compared from left to right. Patterns that can match the same path have the same length.
 */
export const compareSpecificity = (a: string, b: string): number => {
  const [variablesOfA, variablesOfB] = [a, b].map((pattern) =>
    pattern.split('/').map((part) => (part.startsWith('{') ? 1 : 0)),
  );
  return String(variablesOfA).localeCompare(String(variablesOfB));
};

/** Whether a path is one of a route's: `{name}` stands for a part that is not empty. */
export const matchesPath = (pattern: string, path: string): boolean => {
  const wanted = pattern.split('/');
  const given = path.split('/');
  return (
    wanted.length === given.length &&
    wanted.every((part, index) => (part.startsWith('{') ? given[index] !== '' : part === given[index]))
  );
};

/** Whether `POST /complete` is there: on stages to test on, and wherever it asks for a signature. */
export const isCompleteOn = (settings: Settings<'COMPLETE_UNSIGNED' | 'COMPLETE_SECRET_NAME'>): boolean =>
  settings.COMPLETE_UNSIGNED || settings.COMPLETE_SECRET_NAME !== '';

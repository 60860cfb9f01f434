import type { Settings } from '../config/settings.ts';

/** Every route of both APIs except the fallbacks. A test compares them with template.yaml. */
export const ROUTES = {
  service: [
    'POST /webhook',
    'GET /jobs',
    'GET /jobs/stats',
    'GET /jobs/{jobId}',
    'GET /jobs/{jobId}/data',
    'POST /jobs/{jobId}/redrive',
    'POST /jobs/{jobId}/cancel',
    'DELETE /jobs/{jobId}',
    'GET /catalogue',
    'GET /me',
    'GET /clients',
    'POST /redrives',
    'GET /redrives',
    'GET /redrives/{redriveId}',
    'POST /complete',
    'GET /health',
    'GET /console',
    'GET /openapi.json',
    'GET /docs',
    'GET /docs/{asset}',
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
    'GET /docs/{asset}',
  ],
} as const;

export type ApiName = keyof typeof ROUTES;

/**
 * The methods that an API allows at a path, unordered; empty for an unknown path. If several patterns match, the most specific
 * one wins: `/providers/token` allows only POST, although `GET /providers/{providerId}` matches it, too.
 * @param path still percent-encoded
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
 * Orders path patterns from most to least specific, as API Gateway does among routes of one method: segments are compared from
 * left to right, and a literal precedes a variable. Patterns that match the same path have the same number of segments.
 */
export const compareSpecificity = (a: string, b: string): number => {
  const rankOf = (pattern: string): string =>
    pattern
      .split('/')
      .map((part) => (isVariable(part) ? '1' : '0'))
      .join('');
  return rankOf(a).localeCompare(rankOf(b));
};

const isVariable = (part: string): boolean => part.startsWith('{');

/** Whether a path matches a route's pattern: `{name}` matches any non-empty segment. */
export const matchesPath = (pattern: string, path: string): boolean => {
  const expected = pattern.split('/');
  const segments = path.split('/');
  return (
    expected.length === segments.length &&
    expected.every((part, index) => (isVariable(part) ? segments[index] !== '' : part === segments[index]))
  );
};

/** Whether `POST /complete` is enabled: on test stages, and wherever it verifies a signature. */
export const isCompleteEnabled = (settings: Settings<'COMPLETE_UNSIGNED' | 'COMPLETE_SECRET_NAME'>): boolean =>
  settings.COMPLETE_UNSIGNED || settings.COMPLETE_SECRET_NAME !== '';

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
  providers: ['GET /providers', 'GET /providers/{providerId}', 'GET /openapi.json', 'GET /docs'],
} as const;

export type ApiName = keyof typeof ROUTES;

/**
 * The methods that an API has at a path, in no particular order; none where the path is unknown.
 * @param path as it came, still percent-encoded
 */
export const allowedMethods = (api: ApiName, path: string): string[] =>
  ROUTES[api].flatMap((route) => {
    const [method = '', pattern = ''] = route.split(' ');
    return matchesPath(pattern, path) ? [method] : [];
  });

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

import type { Provider } from './api-types.ts';

/** A curl command that posts a job: for up to two providers without required parameters, or else for the first provider. */
export const curlOf = (base: string, providers: Provider[]): string => {
  const simple = providers.filter(({ parameters }) => (parameters?.required ?? []).length === 0);
  const chosen = simple.length > 0 ? simple.slice(0, 2).map(({ id }) => id) : providers.slice(0, 1).map(withParameters);
  const isLocal = /^https?:\/\/(?:localhost|127\.|\[::1\])/.test(base);
  const body = { providers: chosen, callbackUrl: isLocal ? `${base}/complete` : 'https://example.com/callback' };
  return `curl -i ${base}/webhook \\
  -H "authorization: Bearer $API_KEY" \\
  -H 'content-type: application/json' \\
  -d '${JSON.stringify(body)}'`;
};

const PLACEHOLDERS = { string: '…', integer: 1, number: 1, boolean: true };

const withParameters = ({ id, parameters }: Provider) => ({
  id,
  parameters: Object.fromEntries(
    Object.entries(parameters?.properties ?? {})
      .filter(([name]) => parameters?.required?.includes(name))
      .map(([name, { type, const: only, enum: values = [], minimum }]) => [
        name,
        only ?? values[0] ?? minimum ?? PLACEHOLDERS[type],
      ]),
  ),
});

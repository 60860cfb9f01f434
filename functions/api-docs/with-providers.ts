import type { OpenApiDocument } from './render-docs.ts';

/** The property `providers` of a job request, in the document of the service API. */
type JobRequest = { properties: { providers: { items: object; examples?: unknown } } };

const MAX_EXAMPLES = 2;

/**
 * A document that names the providers of this deployment: what reads it, people or programs, can post a job that is taken.
 * A document without job requests stays as it is.
 */
export const withProviders = (document: OpenApiDocument, providerIds: readonly string[]): OpenApiDocument => {
  const named = structuredClone(document);
  const request = named.components?.schemas?.JobRequest as JobRequest | undefined;
  if (!request) return named;
  const { providers } = request.properties;
  providers.items = { type: 'string', enum: providerIds };
  const example = providerIds.slice(0, MAX_EXAMPLES);
  providers.examples = [example];
  const content = named.paths['/webhook']?.post?.requestBody?.content['application/json'];
  if (content) content.example = { ...(content.example as object), providers: example };
  return named;
};

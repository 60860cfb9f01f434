import { exampleProviders, needsParameters } from '@boomerang/core/domain/catalogue/example-providers.ts';
import { type Offer, type Offers, publicSchemaOf } from '@boomerang/core/domain/catalogue/offers.ts';
import type { OpenApiDocument } from './render-docs.ts';

/** The property `providers` of a job request, in the document of the service API. */
type JobRequest = { properties: { providers: { items: object; examples?: unknown } } };

/**
 * Adds this deployment's providers and their parameters to a document, so that readers and generated clients can post valid
 * jobs. A document without job requests is returned unchanged.
 */
export const withProviders = (document: OpenApiDocument, offers: Offers): OpenApiDocument => {
  const named = structuredClone(document);
  const schemas = named.components?.schemas;
  const request = schemas?.JobRequest as JobRequest | undefined;
  if (!schemas || !request) return named;
  const all = [...offers.values()];
  for (const offer of all) {
    schemas[providerName(offer)] = providerSchemaOf(offer);
    if (offer.parameters) schemas[parametersName(offer)] = publicSchemaOf(offer.parameters);
  }
  const { providers } = request.properties;
  const short = all.filter((offer) => !needsParameters(offer)).map(({ id }) => id);
  providers.items = {
    oneOf: [...(short.length > 0 ? [{ type: 'string', enum: short }] : []), ...all.map(providerName).map(refTo)],
  };
  const example = exampleProviders(all);
  providers.examples = [example];
  const content = named.paths['/webhook']?.post?.requestBody?.content['application/json'];
  if (content) content.example = { ...(content.example as object), providers: example };
  return named;
};

const providerName = ({ id }: Offer): string => `Provider.${id}`;
const parametersName = ({ id }: Offer): string => `Parameters.${id}`;
const refTo = (name: string) => ({ $ref: `#/components/schemas/${name}` });

const providerSchemaOf = (offer: Offer) => {
  const { id, title, description, parameters } = offer;
  const about = [title, description].filter((text) => text !== undefined).join(': ');
  return {
    type: 'object',
    ...(about !== '' && { description: about }),
    required: needsParameters(offer) ? ['id', 'parameters'] : ['id'],
    additionalProperties: false,
    properties: {
      id: { const: id },
      parameters: parameters ? refTo(parametersName(offer)) : { type: 'object', maxProperties: 0 },
    },
  };
};

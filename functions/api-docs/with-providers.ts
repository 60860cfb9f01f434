import {
  exampleProvider,
  exampleProviders,
  needsParameters,
} from '@boomerang/core/domain/catalogue/example-providers.ts';
import { type Offer, type Offers, publicSchemaOf } from '@boomerang/core/domain/catalogue/offers.ts';

type Schema = Record<string, unknown>;
type Content = Record<
  string,
  { schema?: Schema; example?: unknown; examples?: Record<string, { summary?: string; value: unknown }> }
>;
type Operation = { requestBody?: { content: Content }; responses: Record<string, unknown> };

/** The parts of an OpenAPI 3.1 document that are read here. */
export type OpenApiDocument = {
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  /** Requests that the API sends. */
  webhooks?: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
};

/** The maximum number of examples of a job, one per provider. */
const MAX_EXAMPLES = 10;

/** The property `providers` of a job request, in the document of the service API. */
type JobRequest = { properties: { providers: { items: object; examples?: unknown } } };

/**
 * Adds this deployment's providers and their parameters to a document, so that readers and generated clients can post valid
 * jobs. A document without job requests is returned unchanged.
 */
export const withProviders = (document: OpenApiDocument, offers: Offers): OpenApiDocument => {
  const extended = structuredClone(document);
  const schemas = extended.components?.schemas;
  const request = schemas?.JobRequest as JobRequest | undefined;
  if (!schemas || !request) return extended;
  const all = [...offers.values()];
  for (const offer of all) {
    schemas[providerName(offer)] = providerSchemaOf(offer);
    if (offer.parameters) schemas[parametersName(offer)] = publicSchemaOf(offer.parameters);
  }
  const { providers } = request.properties;
  /** Providers that may be requested by their id alone. */
  const ids = all.filter((offer) => !needsParameters(offer)).map(({ id }) => id);
  providers.items = {
    oneOf: [...(ids.length > 0 ? [{ type: 'string', enum: ids }] : []), ...all.map(providerName).map(refTo)],
  };
  const example = exampleProviders(all);
  providers.examples = [example];
  const contents = extended.paths['/webhook']?.post?.requestBody?.content;
  if (contents?.['application/json']) {
    const { example: committed, ...rest } = contents['application/json'];
    const jobOf = (names: unknown[]) => ({ ...(committed as object), providers: names });
    contents['application/json'] = {
      ...rest,
      examples: {
        ...(example.length > 1 && { several: { summary: 'Several providers', value: jobOf(example) } }),
        ...Object.fromEntries(
          all
            .slice(0, MAX_EXAMPLES)
            .map((offer) => [offer.id, { summary: offer.title ?? offer.id, value: jobOf([exampleProvider(offer)]) }]),
        ),
      },
    };
  }
  return extended;
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

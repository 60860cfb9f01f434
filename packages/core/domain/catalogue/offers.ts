import * as z from 'zod';
import { isRecord } from '../json-values.ts';
import type { ParametersSchema, Polling, Provider } from './provider-schema.ts';

/**
 * The part of a provider that callers may use. `url` and `polling.statusUrl` are kept only to find the parameters in their
 * paths, and are not shown to callers. Headers, credentials and everything else are left out.
 */
export type Offer = Pick<Provider, 'id' | 'title' | 'description' | 'parameters' | 'url'> & {
  polling?: Pick<Polling, 'statusUrl'> | undefined;
};

/** The providers that callers may request, by id, in the order of the catalogue. */
export type Offers = ReadonlyMap<string, Offer>;

const isParametersSchema = (value: unknown): value is ParametersSchema =>
  isRecord(value) && isRecord(value.properties) && Array.isArray(value.required ?? []);

/** Only a template can contain parameters, so other kinds of status URL are ignored. */
const pollingSchema = z.object({ statusUrl: z.object({ template: z.string(), idAt: z.string() }) });

const offersSchema = z.object({
  providers: z.array(
    z.object({
      id: z.string(),
      title: z.string().optional(),
      description: z.string().optional(),
      parameters: z.custom<ParametersSchema>(isParametersSchema, 'Must be a schema of an object').optional(),
      url: z.string(),
      polling: pollingSchema.optional().catch(undefined),
    }),
  ),
});

/** Removed, because offers do not need the values of `${NAME}`. */
const PLACEHOLDER = /\$\{\w+\}/g;

/**
 * Reads the offers of a provider catalogue. The accept path must stay small, so this checks only the shape. Other faults are
 * found before a deployment and by the function that calls providers (`parseCatalogue`, `parseDeployedCatalogue`).
 *
 * @param text the catalogue's JSON
 * @throws TypeError for JSON of another shape; the message contains the path of each fault
 */
export const parseOffers = (text: string): Offers => {
  const { data, error } = offersSchema.safeParse(JSON.parse(text));
  if (error) throw new TypeError(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  return new Map(data.providers.map((offer) => [offer.id, { ...offer, url: offer.url.replace(PLACEHOLDER, '') }]));
};

/**
 * A provider's parameters as a JSON Schema for callers, without the provider's own names (`as`) and `writeOnly` defaults.
 */
export const publicSchemaOf = ({ properties, ...schema }: ParametersSchema): Record<string, unknown> => ({
  ...schema,
  properties: Object.fromEntries(
    Object.entries(properties).map(([name, { as: _, ...property }]) => [name, withoutSecretDefault(property)]),
  ),
  additionalProperties: false,
});

const withoutSecretDefault = ({ default: value, ...property }: ParametersSchema['properties'][string]) =>
  property.writeOnly || value === undefined ? property : { ...property, default: value };

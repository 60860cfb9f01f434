import * as z from 'zod';
import { isRecord } from '../json-values.ts';
import type { ParametersSchema, Polling, Provider } from './provider-schema.ts';

/**
 * What of a provider concerns its callers. Its `url`, and that of the state of its work, tell which parameters stand in a path,
 * and are not for callers to see; headers, credentials and whatever else it has are left out.
 */
export type Offer = Pick<Provider, 'id' | 'title' | 'description' | 'parameters' | 'url'> & {
  polling?: Pick<Polling, 'statusUrl'> | undefined;
};

/** The third parties that callers may ask for, by id, in the order of the catalogue. */
export type Offers = ReadonlyMap<string, Offer>;

const isParametersSchema = (value: unknown): value is ParametersSchema =>
  isRecord(value) && isRecord(value.properties) && Array.isArray(value.required ?? []);

/** Other places of a status URL than a template hold no parameters. */
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

/** What `${NAME}` stands for in a catalogue is never needed here. */
const PLACEHOLDER = /\$\{\w+\}/g;

/**
 * Reads what concerns callers from a provider catalogue. The accept path must stay small, so it looks at the form alone: a
 * catalogue's mistakes are found where it is read whole (`parseCatalogue`), before a deployment and by the function that asks
 * providers.
 *
 * @param text its JSON
 * @throws TypeError for what has not the form of a catalogue; the message names each place
 */
export const parseOffers = (text: string): Offers => {
  const { data, error } = offersSchema.safeParse(JSON.parse(text));
  if (error) throw new TypeError(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  return new Map(data.providers.map((offer) => [offer.id, { ...offer, url: offer.url.replace(PLACEHOLDER, '') }]));
};

/**
 * What callers may give a provider, as a JSON Schema for them to see: without names that only the provider knows, and without
 * defaults that must not be shown.
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

import type { Offers } from '@boomerang/core/domain/catalogue/offers.ts';
import { parameterFaults } from '@boomerang/core/domain/catalogue/parameters.ts';
import { isRecord } from '@boomerang/core/domain/json-values.ts';
import { cutText } from '@boomerang/core/domain/text.ts';
import * as z from 'zod';

/** A provider as a request names it, whichever way it does. */
export type RequestedProvider = { id: string; parameters?: Record<string, unknown> | undefined };

const PROVIDER_ID = '^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$';
const MAX_SHOWN_CHARACTERS = 100;

const shortSchema = z.string('Must be a provider id, or an object with an id').transform((id) => ({ id }));
const fullSchema = z.strictObject({
  id: z.string('Must be a string'),
  parameters: z.custom<Record<string, unknown>>(isRecord, 'Must be an object').optional(),
});

/**
 * One of a request's `providers`: an id, or an id with parameters, checked against the catalogue. Not a union: that would
 * report what is wrong with every alternative.
 */
export const requestedProviderSchema = (offers: Offers) =>
  z
    .unknown()
    .transform((item, context): RequestedProvider => {
      const isFull = isRecord(item);
      const parsed = (isFull ? fullSchema : shortSchema).safeParse(item);
      const issues = parsed.success ? findFaults(offers, parsed.data, isFull) : parsed.error.issues;
      for (const issue of issues) context.addIssue({ ...issue });
      return parsed.data ?? z.NEVER;
    })
    .meta({ override: requestedProviderDocument({ type: 'string', pattern: PROVIDER_ID, maxLength: 40 }) });

/** What is wrong with a requested provider whose form is right, each fault at its place within the item. */
const findFaults = (offers: Offers, { id, parameters = {} }: RequestedProvider, isFull: boolean) => {
  const provider = offers.get(id);
  const faults = provider
    ? parameterFaults(provider, parameters).map(({ path, message }) => ({ path: ['parameters', ...path], message }))
    : [{ path: isFull ? ['id'] : [], message: `"${cutText(id, MAX_SHOWN_CHARACTERS)}" is not a known provider` }];
  return faults.map((fault) => ({ code: 'custom' as const, ...fault }));
};

/** What the API's document says of a requested provider, whose id is as described. */
const requestedProviderDocument = (id: object) => ({
  oneOf: [
    id,
    {
      type: 'object' as const,
      required: ['id'],
      additionalProperties: false,
      properties: {
        id,
        parameters: {
          type: 'object' as const,
          description: 'By name, as `GET /catalogue` describes them.',
          additionalProperties: { type: ['string' as const, 'number' as const, 'boolean' as const] },
        },
      },
    },
  ],
});

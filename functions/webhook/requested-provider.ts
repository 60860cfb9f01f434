import { PROVIDER_ID_PATTERN } from '@boomerang/core/contracts/claimed-job.ts';
import type { Offers } from '@boomerang/core/domain/catalogue/offers.ts';
import { parameterFaults } from '@boomerang/core/domain/catalogue/parameters.ts';
import { isRecord } from '@boomerang/core/domain/json-values.ts';
import { cutText } from '@boomerang/core/domain/text.ts';
import * as z from 'zod';

/** A provider named in a request, in the short or the full form. */
export type RequestedProvider = { id: string; parameters?: Record<string, unknown> | undefined };

const MAX_SHOWN_CHARACTERS = 100;

const shortSchema = z.string('Must be a provider id, or an object with an id').transform((id) => ({ id }));
const fullSchema = z.strictObject({
  id: z.string('Must be a string'),
  parameters: z.custom<Record<string, unknown>>(isRecord, 'Must be an object').optional(),
});

/**
 * One entry of a request's `providers`: an id, or an id with parameters, checked against the catalogue. It is not a zod
 * union because that would report the errors of every alternative.
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
    .meta({
      override: requestedProviderDocument({ type: 'string', pattern: PROVIDER_ID_PATTERN.source, maxLength: 40 }),
    });

/** The faults of a well-formed entry, each with its path within the entry. */
const findFaults = (offers: Offers, { id, parameters = {} }: RequestedProvider, isFull: boolean) => {
  const provider = offers.get(id);
  const faults = provider
    ? parameterFaults(provider, parameters).map(({ path, message }) => ({ path: ['parameters', ...path], message }))
    : [{ path: isFull ? ['id'] : [], message: `"${cutText(id, MAX_SHOWN_CHARACTERS)}" is not a known provider` }];
  return faults.map((fault) => ({ code: 'custom' as const, ...fault }));
};

/** The OpenAPI schema of an entry, given the schema of its id. */
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
          description: 'Parameter values by name. `GET /catalogue` lists the parameters of each provider.',
          additionalProperties: { type: ['string' as const, 'number' as const, 'boolean' as const] },
        },
      },
    },
  ],
});

import * as z from 'zod';
import { METADATA_KEY } from '../domain/job-input.ts';
import { isRecord } from '../domain/json-values.ts';
import { responseTimeSchema } from './time-schema.ts';

const isArray = (value: unknown): value is unknown[] => Array.isArray(value);

const isMetadata = (value: unknown): value is Record<string, string> =>
  isRecord(value) && Object.entries(value).every(([key, text]) => METADATA_KEY.test(key) && typeof text === 'string');

const METADATA = 'The metadata posted with the job; absent if none was.';

/** A callback as `/complete` accepts it. The entries of `data` are not validated, because the body may be as large as 1 MiB. */
export const callbackSchema = z
  .strictObject({
    jobId: z.string('Must be a string').min(1, 'Must not be empty').max(100, 'Must have at most 100 characters'),
    data: z
      .custom<unknown[]>(isArray, 'Must be a list')
      .meta({ override: { type: 'array', items: {} }, description: 'Any list; not validated.' }),
    metadata: z
      .custom<Record<string, string>>(
        isMetadata,
        'Must be an object of strings, by keys of letters, digits, ".", "_" and "-"',
      )
      .meta({
        override: {
          type: 'object',
          propertyNames: { pattern: METADATA_KEY.source },
          additionalProperties: { type: 'string' },
        },
        description: METADATA,
      })
      .optional(),
  })
  .meta({ id: 'ReceivedCallback', description: 'A callback as the test receiver accepts it.' });

const providerId = z.string().meta({ description: 'Id in the provider catalogue.' });

const providerDataSchema = z
  .object({
    providerId,
    fetchedAt: responseTimeSchema,
    data: z
      .unknown()
      .meta({ description: "The provider's response: JSON verbatim, every digit kept; other text as a string." }),
  })
  .meta({ id: 'ProviderData', outputId: 'CollectedData', description: 'The data of a provider.' });

const providerErrorSchema = z
  .object({
    providerId,
    error: z.object({
      code: z.enum(['PROVIDER_UNAVAILABLE', 'PROVIDER_REFUSED']).meta({
        description: 'Whether the provider was unavailable until the fetch deadline, or refused permanently.',
      }),
      message: z.string().meta({ description: 'Human-readable.' }),
    }),
  })
  .meta({
    id: 'ProviderError',
    outputId: 'CollectedError',
    description: 'Why a provider has no data. Only in jobs that are PARTIAL or unfinished.',
  });

/** The collected data of a job, as posted to its callback URL. */
export const callbackBodySchema = z.object({
  jobId: z.uuid(),
  data: z
    .array(
      z.union([providerDataSchema, providerErrorSchema]).meta({
        override: ({ jsonSchema }) => {
          jsonSchema.oneOf = jsonSchema.anyOf ?? [];
          delete jsonSchema.anyOf;
        },
      }),
    )
    .max(10)
    .meta({ description: 'One entry per provider, in the order of the request.' }),
  metadata: z.record(z.string(), z.string()).optional().meta({ description: METADATA }),
});

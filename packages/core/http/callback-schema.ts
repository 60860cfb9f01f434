import * as z from 'zod';
import { METADATA_KEY } from '../domain/job-input.ts';
import { isRecord } from '../domain/json-values.ts';

const isArray = (value: unknown): value is unknown[] => Array.isArray(value);

const isMetadata = (value: unknown): value is Record<string, string> =>
  isRecord(value) && Object.entries(value).every(([key, text]) => METADATA_KEY.test(key) && typeof text === 'string');

const METADATA = 'What the caller gave with the job; absent where it gave nothing.';

/**
 * A callback as `/complete` takes it: just these properties. What providers gave is not looked into, nor are the entries
 * walked through: the body may be of a mebibyte.
 */
export const callbackSchema = z
  .strictObject({
    jobId: z.string('Must be a string').min(1, 'Must not be empty').max(100, 'Must have at most 100 characters'),
    data: z
      .custom<unknown[]>(isArray, 'Must be a list')
      .meta({ override: { type: 'array', items: {} }, description: 'Anything: it is not looked into.' }),
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
  .meta({ id: 'ReceivedCallback', description: 'A callback as the test receiver takes it.' });

const providerId = z.string().meta({ description: 'Its id in the provider catalogue.' });

const providerDataSchema = z
  .object({
    providerId,
    fetchedAt: z.iso.datetime().meta({ description: 'ISO 8601, UTC.' }),
    data: z
      .unknown()
      .meta({ description: 'What the provider answered: any JSON, digit by digit; other text is a string.' }),
  })
  .meta({ id: 'ProviderData', outputId: 'CollectedData', description: 'What a provider gave.' });

const providerErrorSchema = z
  .object({
    providerId,
    error: z.object({
      code: z
        .enum(['PROVIDER_UNAVAILABLE', 'PROVIDER_REFUSED'])
        .meta({ description: 'Unavailable until the deadline, or refused for good.' }),
      message: z.string().meta({ description: 'For people.' }),
    }),
  })
  .meta({
    id: 'ProviderError',
    outputId: 'CollectedError',
    description: 'Why there is no data of a provider. Only in jobs that are PARTIAL, or not over.',
  });

/** What was collected for a job, as it is posted to its callback address. */
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
    .meta({ description: 'An entry for each provider, in the order of the request.' }),
  metadata: z.record(z.string(), z.string()).optional().meta({ description: METADATA }),
});

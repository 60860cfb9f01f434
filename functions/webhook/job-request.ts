import { isScalar } from '@boomerang/core/domain/catalogue/value-rules.ts';
import type { JobParameters, Metadata } from '@boomerang/core/domain/job.ts';
import type { JobInput } from '@boomerang/core/domain/job-input.ts';
import { isRecord } from '@boomerang/core/domain/json-values.ts';
import * as z from 'zod';
import type { RequestedProvider } from './requested-provider.ts';

/** A job request in normal form. */
export type JobRequest = JobInput & { providers: string[]; callbackUrl: string };

type ParsedRequest = {
  providers: RequestedProvider[];
  callbackUrl: string;
  metadata?: Metadata | undefined;
};

/**
 * Normalizes a request: `"gas"`, `{ id }` and `{ id, parameters: {} }` are equal, as are `metadata: {}` and no metadata.
 * Parameter values must already be validated.
 */
export const toJobRequest = ({ providers, callbackUrl, metadata }: ParsedRequest): JobRequest => {
  const parameters = providers.flatMap(({ id, parameters: values = {} }) =>
    isEmpty(values) ? [] : [[id, values] as const],
  );
  return {
    providers: providers.map(({ id }) => id),
    callbackUrl,
    ...(parameters.length > 0 && { parameters: Object.fromEntries(parameters) as JobParameters }),
    ...(metadata && !isEmpty(metadata) && { metadata }),
  };
};

const isEmpty = (record: object): boolean => Object.keys(record).length === 0;

const recordOf = <Value>(isValue: (value: unknown) => value is Value) =>
  z.custom<Record<string, Value>>((value) => isRecord(value) && Object.values(value).every(isValue));

const isString = (value: unknown): value is string => typeof value === 'string';

/** Checks only the shape, so that it accepts every request that any catalogue and any callback rules would accept. */
const shapeSchema = z.strictObject({
  providers: z.array(
    z.union([
      z.string().transform((id): RequestedProvider => ({ id })),
      z.strictObject({ id: z.string(), parameters: recordOf(isScalar).optional() }),
    ]),
  ),
  callbackUrl: z
    .string()
    .refine((url) => URL.canParse(url))
    .transform((url) => new URL(url).href),
  metadata: recordOf(isString).optional(),
});

/**
 * Parses a request by shape only, whether or not it is valid today: an accepted request always parses to the same result.
 * Returns undefined for a shape that was never valid.
 */
export const parseShape = (body: unknown): JobRequest | undefined => {
  const { data } = shapeSchema.safeParse(body);
  return data && toJobRequest(data);
};

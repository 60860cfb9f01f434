import type { JobParameters, Metadata } from '@boomerang/core/domain/job.ts';
import type { JobInput } from '@boomerang/core/domain/job-input.ts';
import { isRecord } from '@boomerang/core/domain/json-values.ts';
import * as z from 'zod';
import type { RequestedProvider } from './requested-provider.ts';

/** What a caller asks for, whichever way it was written. */
export type JobRequest = JobInput & { providers: string[]; callbackUrl: string };

type GivenRequest = {
  providers: RequestedProvider[];
  callbackUrl: string;
  metadata?: Metadata | undefined;
};

/**
 * `"gas"`, `{ id }` and `{ id, parameters: {} }` are the same request, and so are `metadata: {}` and none. Values of
 * parameters must have been checked.
 */
export const toJobRequest = ({ providers, callbackUrl, metadata }: GivenRequest): JobRequest => {
  const parameters = providers.flatMap(({ id, parameters: given = {} }) =>
    isEmpty(given) ? [] : [[id, given] as const],
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
const isScalar = (value: unknown): value is string | number | boolean =>
  isString(value) || typeof value === 'number' || typeof value === 'boolean';

/** The form alone: whatever a request may ask for that some catalogue and some rules take. */
const formSchema = z.strictObject({
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
 * What a request asks for by its form alone, without asking whether that is valid today: one that was accepted once reads the
 * same for good. Undefined where the form is not one that was ever taken.
 */
export const readForm = (body: unknown): JobRequest | undefined => {
  const { data } = formSchema.safeParse(body);
  return data && toJobRequest(data);
};

import type { JobParameters, Metadata } from './job.ts';
import { jsonBytes } from './json-values.ts';

/** A job's input besides its providers: their parameters, and the caller's metadata. */
export type JobInput = { parameters?: JobParameters | undefined; metadata?: Metadata | undefined };

/** Limit on all parameters of a job together, by provider id, in bytes of JSON. */
export const MAX_PARAMETERS_BYTES = 1024;
/** Limit on all metadata of a job, in bytes of JSON. */
export const MAX_METADATA_BYTES = 1024;
export const MAX_METADATA_ENTRIES = 20;

export const METADATA_KEY = /^(?!__proto__$)[A-Za-z0-9_.-]{1,64}$/;

export type InputFault = { path: string[]; message: string };

/** Everything that is wrong with a job's metadata. Messages do not contain values. */
export const metadataFaults = (metadata: Readonly<Record<string, unknown>>): InputFault[] => {
  const entries = Object.entries(metadata);
  const faults = entries.flatMap(([key, value]): InputFault[] => {
    const message = entryFault(key, value);
    return message === undefined ? [] : [{ path: [key], message }];
  });
  if (entries.length > MAX_METADATA_ENTRIES) {
    faults.push({ path: [], message: `Must have at most ${MAX_METADATA_ENTRIES} entries` });
  }
  if (jsonBytes(metadata) > MAX_METADATA_BYTES) {
    faults.push({ path: [], message: `Must be at most ${MAX_METADATA_BYTES} bytes of JSON` });
  }
  return faults;
};

const entryFault = (key: string, value: unknown): string | undefined => {
  if (!METADATA_KEY.test(key)) {
    return 'Must have a name of 1 to 64 letters, digits, ".", "_" or "-"';
  }
  if (typeof value !== 'string') return 'Must be a string';
  return value.isWellFormed() ? undefined : 'Must be well-formed Unicode';
};

/** Checks the size of all parameters of a job. Each provider's parameters are checked against the catalogue. */
export const parametersSizeFault = (parameters: JobParameters): string | undefined =>
  jsonBytes(parameters) > MAX_PARAMETERS_BYTES
    ? `Must have parameters of at most ${MAX_PARAMETERS_BYTES} bytes of JSON for all providers together`
    : undefined;

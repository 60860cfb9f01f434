import * as z from 'zod';
import { parseAddressExceptions } from '../domain/address-rules.ts';

/** The state machine's TimeoutSeconds. A test compares it with template.yaml. */
export const EXECUTION_TIMEOUT_SECONDS = 240;

/** A lease must outlive its execution, with a margin for late starts. */
const MIN_LEASE_SECONDS = 1.5 * EXECUTION_TIMEOUT_SECONDS;

const number = z
  .string()
  .trim()
  .regex(/^\d+(\.\d+)?$/, 'must be a number, 0 or more')
  .transform(Number);
const seconds = (min: number, max: number) => number.pipe(z.int().min(min).max(max));

const DAY_SECONDS = 24 * 3600;

/**
 * Every setting by its environment variable, for the functions and the embedded cloud. Numbers are decimal text, lists are
 * comma-separated.
 */
export const settings = {
  /** Failure probability of the mock providers, 0..1. */
  FAILURE_RATE: number.pipe(z.number().max(1)),
  /** Seed that makes the mock providers' failures reproducible. If empty, failures are random. */
  FAILURE_SEED: z.union([z.literal(''), number.pipe(z.int().max(0xffff_ffff))]),
  /** Response time of the mock providers, milliseconds. */
  PROVIDER_LATENCY_MS: number.pipe(z.int().max(29_000)),
  /** Downtime of the mock providers: `<start>/<end>`, ISO 8601. Empty for none. */
  MAINTENANCE_WINDOW: z.union([
    z.literal(''),
    z.string().transform((text, context) => {
      const [from = Number.NaN, to = Number.NaN, ...rest] = text.split('/').map((part) => Date.parse(part));
      if (rest.length === 0 && from < to) return { from, to };
      context.addIssue({ code: 'custom', message: 'must be <start>/<end>, ISO 8601' });
      return z.NEVER;
    }),
  ]),
  /** OAuth secret of the client `boomerang` at the mock reports provider; also signs its tokens and report ids. */
  REPORTS_CLIENT_SECRET: z.string().trim().min(1),
  /** Lease of a claimed job. */
  LEASE_SECONDS: seconds(MIN_LEASE_SECONDS, DAY_SECONDS),
  /** Minimum delays between attempts. */
  RETRY_SCHEDULE_SECONDS: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.tuple([seconds(0, 30 * DAY_SECONDS)], seconds(0, 30 * DAY_SECONDS)))
    .refine((steps) => steps.length <= 50, 'must have at most 50 steps'),
  /** Minimum interval between polls of a provider; overrides shorter intervals in the catalogue. */
  MIN_POLL_SECONDS: seconds(1, 3600),
  /** How long a job fetches before it delivers the data collected so far. */
  FETCH_DEADLINE_SECONDS: seconds(1, 30 * DAY_SECONDS),
  /** How long a finished job is kept. */
  RETENTION_SECONDS: seconds(60, 3650 * DAY_SECONDS),
  /** Length of the circuit breaker's counting windows. */
  BREAKER_WINDOW_SECONDS: seconds(1, 3600),
  /** Minimum calls in a window before the failure rate is evaluated. */
  BREAKER_MIN_CALLS: number.pipe(z.int().min(1).max(100_000)),
  /** Failure rate at which a circuit opens, above 0 and up to 1. */
  BREAKER_FAILURE_RATE: number.pipe(z.number().gt(0).max(1)),
  /** Initial open time of a circuit. Each failed probe doubles it, up to eight times the initial value. */
  BREAKER_OPEN_SECONDS: seconds(1, DAY_SECONDS),
  /** Paused work. Jobs are accepted regardless. */
  PAUSED: z.enum(['none', 'fetch', 'callbacks', 'all']),
  /** Which events go to operators. `failures`: every event but that of a completely delivered job. */
  PUBLISH_EVENTS: z.enum(['all', 'failures', 'none']),
  /** Maximum jobs claimed by one sweep. */
  MAX_JOBS_PER_SWEEP: number.pipe(z.int().min(1)),
  /** Exceptions to the callback address rules: networks, addresses and host names, comma-separated, or `none`. */
  CALLBACK_ALLOW: z.string().transform((text, context) => {
    try {
      return parseAddressExceptions(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  }),
  /** Whether callback URLs may be plain http. */
  CALLBACK_ALLOW_HTTP: z.enum(['true', 'false']).transform((text) => text === 'true'),
  /** Number of index shards for jobs. May only be raised. */
  SHARD_COUNT: number.pipe(z.int().min(1).max(64)),
  /** Default limit per client, jobs per second. 0 for no limit. */
  CLIENT_RATE_PER_SECOND: number.pipe(z.number().max(10_000)),
  /** Path of the provider catalogue. */
  PROVIDER_CATALOGUE: z.string().min(1),
  /** Base URL of the mock providers, for the catalogue's placeholder of that name. */
  PROVIDERS_API_URL: z.url(),
  /** SSM parameter path of the secrets. If empty, secrets are read from the environment. */
  SECRETS_PATH: z.string().regex(/^(?:\/[\w./-]+)?$/, 'must be empty or a path that begins with /'),
  /** Name of the secret that verifies callbacks to `/complete`. Empty for none. */
  COMPLETE_SECRET_NAME: z.string(),
  /** Whether `/complete` is enabled without a secret. */
  COMPLETE_UNSIGNED: z.enum(['true', 'false']).transform((text) => text === 'true'),
  JOB_TABLE_NAME: z.string().min(1),
  CLIENT_TABLE_NAME: z.string().min(1),
  STATE_MACHINE_ARN: z.string().min(1),
} as const;

type SettingName = keyof typeof settings;
export type Settings<Name extends SettingName> = { [N in Name]: z.output<(typeof settings)[N]> };

/** The environment is invalid. The one-line message lists every missing or invalid variable. */
export class InvalidEnvironment extends Error {
  override name = 'InvalidEnvironment';
  /** `NAME: rule`, one per variable. */
  readonly faults: readonly string[];
  constructor(faults: Iterable<string>) {
    const all = [...new Set(faults)];
    super(all.join('; '));
    this.faults = all;
  }
}

/**
 * Reads settings from the environment.
 * @throws InvalidEnvironment listing every missing or invalid variable
 */
export const readSettings = <const Name extends SettingName>(
  names: readonly Name[],
  environment: Readonly<Record<string, string | undefined>>,
): Settings<Name> => {
  const shape = Object.fromEntries(names.map((name) => [name, settings[name]]));
  const parsed = z.object(shape).safeParse(environment);
  if (parsed.success) return parsed.data as Settings<Name>;
  throw new InvalidEnvironment(parsed.error.issues.map(explainIssue));
};

/** Describes an issue as `NAME: rule`. */
export const explainIssue = (issue: z.core.$ZodIssue): string => {
  const [name, item] = issue.path;
  return `${String(name)}: ${typeof item === 'number' ? `item ${item + 1} ` : ''}${ruleOf(issue)}`;
};

const ruleOf = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.expected === 'int') return 'must be a whole number';
      if (issue.expected === 'number') return 'must be a number';
      return issue.path.length === 1 ? 'is not set' : issue.message;
    case 'too_small':
      if (issue.origin === 'string') return 'must not be empty';
      return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'invalid_union': {
      const last = issue.errors.flat().at(-1);
      return last ? ruleOf({ ...last, path: issue.path }) : issue.message;
    }
    default:
      return issue.message;
  }
};

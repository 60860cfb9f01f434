import * as z from 'zod';
import { parseAddressExceptions } from '../domain/address-rules.ts';

/** The state machine's TimeoutSeconds: no execution lives longer. A test holds the two together. */
export const EXECUTION_TIMEOUT_SECONDS = 240;

/** A lease outlives the execution that holds it, with room for what AWS starts late. */
const MIN_LEASE_SECONDS = 1.5 * EXECUTION_TIMEOUT_SECONDS;

const number = z
  .string()
  .trim()
  .regex(/^\d+(\.\d+)?$/, 'takes a number, 0 or more')
  .transform(Number);
const seconds = (min: number, max: number) => number.pipe(z.int().min(min).max(max));

const DAY_SECONDS = 24 * 3600;

/**
 * Every setting there is, by the name of its environment variable: the functions and the embedded cloud read them alike.
 * Numbers come as decimal text, lists comma-separated.
 */
export const settings = {
  /** Probability, 0..1, that the mock providers fail. */
  FAILURE_RATE: number.pipe(z.number().max(1)),
  /** Makes the mock providers' failures the same each time; empty: by chance. */
  FAILURE_SEED: z.union([z.literal(''), number.pipe(z.int().max(0xffff_ffff))]),
  /** How long the mock providers take to answer, milliseconds. */
  PROVIDER_LATENCY_MS: number.pipe(z.int().max(29_000)),
  /** When the mock providers are down: `<start>/<end>`, ISO 8601; empty: never. */
  MAINTENANCE_WINDOW: z.union([
    z.literal(''),
    z.string().transform((text, context) => {
      const [from = Number.NaN, to = Number.NaN, ...rest] = text.split('/').map((part) => Date.parse(part));
      if (rest.length === 0 && from < to) return { from, to };
      context.addIssue({ code: 'custom', message: 'takes <start>/<end>, ISO 8601' });
      return z.NEVER;
    }),
  ]),
  /** Secret of the client `boomerang` of the mock provider of reports: its tokens and ids are signed with it. */
  REPORTS_CLIENT_SECRET: z.string().trim().min(1),
  /** How long whoever takes a job holds it. */
  LEASE_SECONDS: seconds(MIN_LEASE_SECONDS, DAY_SECONDS),
  /** Minimum delays between attempts. */
  RETRY_SCHEDULE_SECONDS: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.tuple([seconds(0, 30 * DAY_SECONDS)], seconds(0, 30 * DAY_SECONDS)))
    .refine((steps) => steps.length <= 50, 'takes at most 50 steps'),
  /** The least time between two questions whether a provider is done with its work, whatever its catalogue says. */
  MIN_POLL_SECONDS: seconds(1, 3600),
  /** How long a job collects before it delivers what it has. */
  FETCH_DEADLINE_SECONDS: seconds(1, 30 * DAY_SECONDS),
  /** How long a job is kept after it is over. */
  RETENTION_SECONDS: seconds(60, 3650 * DAY_SECONDS),
  /** In windows of how long calls are counted, to tell whether a third party is in trouble. */
  BREAKER_WINDOW_SECONDS: seconds(1, 3600),
  /** With fewer calls than these in a window, nothing is concluded. */
  BREAKER_MIN_CALLS: number.pipe(z.int().min(1).max(100_000)),
  /** From this share of failures on, above 0 and up to 1, a third party is left alone. */
  BREAKER_FAILURE_RATE: number.pipe(z.number().gt(0).max(1)),
  /** How long it is left alone at first; each probe that fails doubles it, up to eight times. */
  BREAKER_OPEN_SECONDS: seconds(1, DAY_SECONDS),
  /** What is not done for now. Accepting goes on. */
  PAUSED: z.enum(['none', 'fetch', 'callbacks', 'all']),
  /** The most that one sweep takes. */
  MAX_JOBS_PER_SWEEP: number.pipe(z.int().min(1)),
  /** Networks, addresses and host names that callbacks may go to although the rules forbid them: comma-separated, or `none`. */
  CALLBACK_ALLOW: z.string().transform((text, context) => {
    try {
      return parseAddressExceptions(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  }),
  /** Whether plain http callback addresses are let through. */
  CALLBACK_ALLOW_HTTP: z.enum(['true', 'false']).transform((text) => text === 'true'),
  /** Over how many index keys the jobs are spread. It may only be raised. */
  SHARD_COUNT: number.pipe(z.int().min(1).max(64)),
  /** How many jobs a second a client may post, where it has no rate of its own; 0 for any number. */
  CLIENT_RATE_PER_SECOND: number.pipe(z.number().max(10_000)),
  /** Path of the provider catalogue. */
  PROVIDER_CATALOGUE: z.string().min(1),
  /** Base URL of the mock third parties, for the catalogue's placeholder of that name. */
  PROVIDERS_API_URL: z.url(),
  /** Under which path of SSM parameters secrets are found; empty: in the environment. */
  SECRETS_PATH: z.string().regex(/^(?:\/[\w./-]+)?$/, 'takes a path that begins with /, or nothing'),
  /** Name of the secret that callbacks to `/complete` have to be signed with; empty: none. */
  COMPLETE_SECRET_NAME: z.string(),
  /** Whether `/complete` is there without a secret, too. */
  COMPLETE_UNSIGNED: z.enum(['true', 'false']).transform((text) => text === 'true'),
  JOB_TABLE_NAME: z.string().min(1),
  CLIENT_TABLE_NAME: z.string().min(1),
  STATE_MACHINE_ARN: z.string().min(1),
} as const;

type SettingName = keyof typeof settings;
export type Settings<Name extends SettingName> = { [N in Name]: z.output<(typeof settings)[N]> };

/** The environment does not hold what it must. The message is one line and names every culprit. */
export class InvalidEnvironment extends Error {
  override name = 'InvalidEnvironment';
  /** `NAME: rule`, one for each variable. */
  readonly culprits: readonly string[];
  constructor(culprits: Iterable<string>) {
    const all = [...new Set(culprits)];
    super(all.join('; '));
    this.culprits = all;
  }
}

/**
 * Reads settings from the environment.
 * @throws InvalidEnvironment naming every variable that is missing or out of its limits
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

/** Names the variable and the rule that its value breaks. */
export const explainIssue = (issue: z.core.$ZodIssue): string => {
  const [name, item] = issue.path;
  return `${String(name)}: ${typeof item === 'number' ? `item ${item + 1} ` : ''}${ruleOf(issue)}`;
};

const ruleOf = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.expected === 'int') return 'takes a whole number';
      if (issue.expected === 'number') return 'takes a number';
      return issue.path.length === 1 ? 'is not set' : issue.message;
    case 'too_small':
      if (issue.origin === 'string') return 'must not be empty';
      return `takes ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      return `takes at most ${issue.maximum}`;
    case 'invalid_value':
      return `takes one of ${issue.values.join(', ')}`;
    case 'invalid_union': {
      const last = issue.errors.flat().at(-1);
      return last ? ruleOf({ ...last, path: issue.path }) : issue.message;
    }
    default:
      return issue.message;
  }
};

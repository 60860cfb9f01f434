import { MetricUnit, Metrics as PowertoolsMetrics } from '@aws-lambda-powertools/metrics';
import type { FailureCode } from '../domain/job.ts';

export const METRICS_NAMESPACE = 'Boomerang';

/** Every metric there is; the dashboard and the alarms of the template name no others. */
export const METRICS = {
  JobsAccepted: MetricUnit.Count,
  JobsDelivered: MetricUnit.Count,
  /** By cause: the code of the job's failure. */
  JobsGivenUp: MetricUnit.Count,
  /** From the request to the callback's delivery. */
  TimeToCallback: MetricUnit.Milliseconds,
  /** How long the longest due job has waited, at the beginning of a sweep. */
  OldestDueAge: MetricUnit.Seconds,
  /** Requests answered 401. */
  AuthenticationFailures: MetricUnit.Count,
  /** By provider. */
  ProviderFailures: MetricUnit.Count,
  /** By provider: it answered 401 to our credential, twice. */
  CredentialsRefused: MetricUnit.Count,
  /** By task: an execution ended without a call going out, through a fault of our own. */
  OwnFaults: MetricUnit.Count,
  /** By what the circuit is of: a provider or a receiver of callbacks. */
  CircuitOpened: MetricUnit.Count,
  /** How many providers' circuits were open or half open at a sweep. */
  OpenCircuits: MetricUnit.Count,
} as const;
export type MetricName = keyof typeof METRICS;

/** What a metric is told apart by, beside the stack; each metric has the one that `METRICS` names. */
export type Dimensions =
  | { provider: string }
  | { task: 'provider-fetch' | 'callback-deliver' }
  | { cause: FailureCode | 'UNKNOWN' }
  | { of: 'provider' | 'callback' };

type NameOf<Unit> = { [Name in MetricName]: (typeof METRICS)[Name] extends Unit ? Name : never }[MetricName];

/** What the functions measure with. */
export type Metrics = {
  /** @param value how many, 1 unless given; 0 makes a series that others are divided by */
  count: (name: NameOf<typeof MetricUnit.Count>, dimensions?: Dimensions, value?: number) => void;
  milliseconds: (name: NameOf<typeof MetricUnit.Milliseconds>, value: number) => void;
  seconds: (name: NameOf<typeof MetricUnit.Seconds>, value: number) => void;
};

/** Measures how many there are of something, as opposed to how often something happens. */
export type MeasureGauge = (name: 'OpenCircuits', value: number) => void;

/**
 * Metrics in CloudWatch's Embedded Metric Format: a log line each, and no call. `POWERTOOLS_SERVICE_NAME`, the stack, is a
 * dimension of each; `POWERTOOLS_METRICS_DISABLED` silences them.
 */
export const createMetrics = (): Metrics => {
  const put = createPut();
  return {
    count: (name, dimensions, value = 1) => put(name, value, dimensions),
    milliseconds: (name, value) => put(name, value),
    seconds: (name, value) => put(name, value),
  };
};

/** As {@link createMetrics}. */
export const createGauge = (): MeasureGauge => createPut();

const createPut = () => {
  const metrics = new PowertoolsMetrics({ namespace: METRICS_NAMESPACE });
  return (name: MetricName, value: number, dimensions: Record<string, string> = {}): void => {
    metrics.addDimensions(dimensions);
    metrics.addMetric(name, METRICS[name], value);
    metrics.publishStoredMetrics();
  };
};

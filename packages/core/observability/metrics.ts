import { MetricUnit, Metrics as PowertoolsMetrics } from '@aws-lambda-powertools/metrics';
import type { FailureCode } from '../domain/job.ts';

export const METRICS_NAMESPACE = 'Boomerang';

/** Every metric. A test checks that the template's dashboard and alarms use no others. */
export const METRICS = {
  JobsAccepted: MetricUnit.Count,
  JobsDelivered: MetricUnit.Count,
  /** By cause: the job's failure code. */
  JobsGivenUp: MetricUnit.Count,
  /** From the request to the delivery of the callback. */
  TimeToCallback: MetricUnit.Milliseconds,
  /** Waiting time of the longest due job at the start of a sweep. */
  OldestDueAge: MetricUnit.Seconds,
  /** 401 responses. */
  AuthenticationFailures: MetricUnit.Count,
  /** By provider. */
  ProviderFailures: MetricUnit.Count,
  /** By provider: it rejected our credential with 401, twice. */
  CredentialsRefused: MetricUnit.Count,
  /** By task: an internal fault ended an execution without a call. Operators' own alarms may use this name, so it stays. */
  OwnFaults: MetricUnit.Count,
  /** By kind of third party: a provider or a callback receiver. */
  CircuitOpened: MetricUnit.Count,
  /** Providers whose circuits were open or half-open at a sweep. */
  OpenCircuits: MetricUnit.Count,
} as const;
export type MetricName = keyof typeof METRICS;

/** The dimension of a metric beside the stack: see the comments in `METRICS`. */
export type Dimensions =
  | { provider: string }
  | { task: 'provider-fetch' | 'callback-deliver' }
  | { cause: FailureCode | 'UNKNOWN' }
  | { of: 'provider' | 'callback' };

type NameOf<Unit> = { [Name in MetricName]: (typeof METRICS)[Name] extends Unit ? Name : never }[MetricName];

/** The metrics of the functions. */
export type Metrics = {
  /** @param value 1 by default; 0 adds a data point, for a ratio that needs one */
  count: (name: NameOf<typeof MetricUnit.Count>, dimensions?: Dimensions, value?: number) => void;
  milliseconds: (name: NameOf<typeof MetricUnit.Milliseconds>, value: number) => void;
  seconds: (name: NameOf<typeof MetricUnit.Seconds>, value: number) => void;
};

/** Records a current quantity, as opposed to a number of events. */
export type MeasureGauge = (name: 'OpenCircuits', value: number) => void;

/**
 * Metrics in CloudWatch's Embedded Metric Format: one log line each, no API call. `POWERTOOLS_SERVICE_NAME`, the stack, is a
 * dimension of each. `POWERTOOLS_METRICS_DISABLED` turns them off.
 */
export const createMetrics = (): Metrics => {
  const put = createPut();
  return {
    count: (name, dimensions, value = 1) => put(name, value, dimensions),
    milliseconds: (name, value) => put(name, value),
    seconds: (name, value) => put(name, value),
  };
};

/** Gauges in the same format and with the same dimension as {@link createMetrics}. */
export const createGauge = (): MeasureGauge => createPut();

const createPut = () => {
  const metrics = new PowertoolsMetrics({ namespace: METRICS_NAMESPACE });
  return (name: MetricName, value: number, dimensions: Record<string, string> = {}): void => {
    metrics.addDimensions(dimensions);
    metrics.addMetric(name, METRICS[name], value);
    metrics.publishStoredMetrics();
  };
};

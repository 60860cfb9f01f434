import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

export const METRICS_NAMESPACE = 'Boomerang';

/** Every metric there is; the dashboard and the alarms of the template name no others. */
export const METRICS = {
  JobsAccepted: MetricUnit.Count,
  JobsDelivered: MetricUnit.Count,
  JobsGivenUp: MetricUnit.Count,
  /** From the request to the callback's delivery. */
  TimeToCallback: MetricUnit.Milliseconds,
  /** How long the longest due job has waited, at the beginning of a sweep. */
  OldestDueAge: MetricUnit.Seconds,
  /** Requests answered 401. */
  AuthenticationFailures: MetricUnit.Count,
  /** By provider. */
  ProviderFailures: MetricUnit.Count,
} as const;
export type MetricName = keyof typeof METRICS;

type NameOf<Unit> = { [Name in MetricName]: (typeof METRICS)[Name] extends Unit ? Name : never }[MetricName];

/** What the functions measure with. */
export type Meter = {
  /** @param times how often it happened; once by default */
  count: (name: NameOf<typeof MetricUnit.Count>, dimensions?: { provider?: string }, times?: number) => void;
  milliseconds: (name: NameOf<typeof MetricUnit.Milliseconds>, value: number) => void;
  seconds: (name: NameOf<typeof MetricUnit.Seconds>, value: number) => void;
};

/**
 * Metrics in CloudWatch's Embedded Metric Format: a log line each, and no call. `POWERTOOLS_SERVICE_NAME`, the stack, is a
 * dimension of each; `POWERTOOLS_METRICS_DISABLED` silences them.
 */
export const createMeter = (): Meter => {
  const metrics = new Metrics({ namespace: METRICS_NAMESPACE });
  const put = (name: MetricName, value: number, dimensions: Record<string, string> = {}): void => {
    metrics.addDimensions(dimensions);
    metrics.addMetric(name, METRICS[name], value);
    metrics.publishStoredMetrics();
  };
  return {
    count: (name, dimensions, times = 1) => put(name, times, dimensions),
    milliseconds: (name, value) => put(name, value),
    seconds: (name, value) => put(name, value),
  };
};

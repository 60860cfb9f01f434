import { readFileSync } from 'node:fs';
import { METRICS } from '@boomerang/core/observability/metrics.ts';
import { describe, expect, test } from '@jest/globals';
import { createResolver, readTemplate, resourcesOf } from '../../local/template.ts';

type Stat = {
  Metric: { Namespace: string; MetricName: string; Dimensions: { Name: string; Value: unknown }[] };
  Period: number;
  Stat: string;
};
type Alarm = {
  AlarmDescription: string;
  AlarmActions: unknown;
  Namespace?: string;
  MetricName?: string;
  Dimensions?: { Name: string; Value: unknown }[];
  Metrics?: { Id: string; ReturnData?: boolean; Expression?: unknown; Period?: number; MetricStat?: Stat }[];
  Statistic?: string;
  Period?: number;
  EvaluationPeriods: number;
  DatapointsToAlarm?: number;
  Threshold: unknown;
  TreatMissingData: string;
};

const template = readTemplate('template.yaml');
const resolve = createResolver(template, {
  parameters: { 'AWS::StackName': 'stack', AlarmTopicArn: 'topic' },
  ref: (id) => id,
  getAtt: (id) => id,
});
const alarms = new Map(
  resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([id, { Properties }]) => [id, resolve(Properties) as Alarm]),
);
const alarm = (name: string): Alarm => {
  const found = alarms.get(`${name}Alarm`);
  if (!found) throw new Error(`template.yaml has no resource ${name}Alarm`);
  return found;
};
const periodOf = ({ Period, Metrics = [] }: Alarm): number =>
  Period ?? Math.max(...Metrics.map((metric) => metric.Period ?? metric.MetricStat?.Period ?? 0));

/** The functions of the state machine, without their suffix: `JobClaim`. */
const TASKS = Object.keys(template.Resources.ProcessPendingStateMachine?.Properties?.DefinitionSubstitutions ?? {}).map(
  (name) => name.replace('FunctionArn', ''),
);
/** Functions whose errors mostly come from third parties. They count internal faults in the metric OwnFaults. */
const CALL_THIRD_PARTIES = ['ProviderFetch', 'CallbackDeliver'];

describe.each([...alarms])('%s', (_id, { AlarmDescription, AlarmActions, TreatMissingData, Metrics = [], ...rest }) => {
  test('notifies the topic, has a description, and says how missing data counts', () => {
    expect(AlarmDescription.length).toBeGreaterThan(20);
    expect(AlarmActions).toEqual(['topic']);
    expect(['breaching', 'notBreaching']).toContain(TreatMissingData);
  });

  test('watches one metric of this stack, or several in one expression', () => {
    if (Metrics.length === 0) return expect(rest.Dimensions?.length).toBeGreaterThan(0);
    const returned = Metrics.filter(({ ReturnData }) => ReturnData !== false);
    expect(returned).toHaveLength(1);
    const expression = String(returned[0]?.Expression);
    for (const { Id, MetricStat } of Metrics) {
      if (!MetricStat) continue;
      expect(expression).toContain(Id);
      expect(MetricStat.Metric.Dimensions.length).toBeGreaterThan(0);
    }
    // A query covers the whole account unless it filters by stack.
    if (expression.startsWith('SELECT')) expect(expression).toMatch(/service = 'stack'|TableName = 'JobTable'/);
    // A series without data points empties the whole expression. FILL is not documented to prevent that.
    expect(expression).not.toContain('FILL');
    return undefined;
  });
});

test('the API throttling alarm counts throttled requests in the access log', () => {
  const filter = template.Resources.ApiThrottlesFilter?.Properties as {
    LogGroupName: object;
    FilterPattern: string;
    MetricTransformations: { MetricNamespace: string; MetricName: string; Dimensions: object[] }[];
  };
  const [transformation] = filter.MetricTransformations;
  expect(alarm('ApiThrottles')).toMatchObject({
    Namespace: transformation?.MetricNamespace,
    MetricName: transformation?.MetricName,
    Dimensions: [{ Name: 'service', Value: 'stack' }],
  });
  expect(transformation?.Dimensions).toEqual([{ Key: 'service', Value: '$.service' }]);
  expect(filter.LogGroupName).toEqual({ Ref: 'ServiceApiAccessLogGroup' });
  const { AccessLogSettings } = resolve(template.Resources.ServiceApi?.Properties) as {
    AccessLogSettings: { Format: string };
  };
  for (const [, field = ''] of filter.FilterPattern.matchAll(/\$\.(\w+)/g)) {
    expect(JSON.parse(AccessLogSettings.Format)).toHaveProperty(field);
  }
});

describe('alarms on internal faults', () => {
  test.each(TASKS)('fire within a minute when %s is throttled', (task) => {
    const { MetricName, Dimensions, ...rest } = alarm(`${task}Throttles`);
    expect([MetricName, Dimensions]).toEqual(['Throttles', [{ Name: 'FunctionName', Value: `${task}Function` }]]);
    expect(rest).toMatchObject({ Period: 60, EvaluationPeriods: 1, Threshold: 1, Statistic: 'Sum' });
  });

  test.each(TASKS.filter((task) => !CALL_THIRD_PARTIES.includes(task)))(
    'fire within a minute when %s, which calls no third party, fails',
    (task) => {
      const { MetricName, Dimensions, ...rest } = alarm(`${task}Errors`);
      expect([MetricName, Dimensions]).toEqual(['Errors', [{ Name: 'FunctionName', Value: `${task}Function` }]]);
      expect(rest).toMatchObject({ Period: 60, EvaluationPeriods: 1, Threshold: 1, Statistic: 'Sum' });
    },
  );

  test.each([
    ['ProviderFetch', 'provider-fetch'],
    ['CallbackDeliver', 'callback-deliver'],
  ])('watch OwnFaults instead of Errors for %s, because most of its errors come from third parties', (task, name) => {
    expect(alarms.has(`${task}ErrorsAlarm`)).toBe(false);
    expect(alarm(`${task}OwnFaults`)).toMatchObject({
      MetricName: 'OwnFaults',
      Dimensions: [
        { Name: 'service', Value: 'stack' },
        { Name: 'task', Value: name },
      ],
    });
  });

  test('all fire within five minutes', () => {
    const names = [...alarms.keys()].filter((id) =>
      /Throttles|OwnFaults|Errors|Executions|JobsNever|ResultsMissing/.test(id),
    );
    expect(names.length).toBeGreaterThan(12);
    for (const id of names) {
      const { EvaluationPeriods } = alarms.get(id) as Alarm;
      expect(periodOf(alarms.get(id) as Alarm) * EvaluationPeriods).toBeLessThanOrEqual(300);
    }
    expect(periodOf(alarm('ExecutionsFailed'))).toBe(60);
  });
});

describe('alarms on jobs that end FAILED', () => {
  const causes = [...alarms.values()]
    .flatMap(({ Metrics = [], Dimensions = [] }) => [
      ...Dimensions,
      ...Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.Dimensions ?? []),
    ])
    .flatMap(({ Name, Value }) => (Name === 'cause' ? [Value] : []));

  test('ignore failures that only the receiver or the client can fix', () => {
    expect(causes.sort()).toEqual(['CALLBACK_EXHAUSTED', 'NEVER_SETTLED', 'RESULT_MISSING']);
    // No alarm watches the sum over all causes either.
    for (const { Metrics = [], MetricName, Dimensions = [] } of alarms.values()) {
      const metrics = [{ MetricName, Dimensions }, ...Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? [])];
      const jobMetrics = metrics.filter((metric) => metric.MetricName === 'JobsGivenUp');
      for (const metric of jobMetrics) {
        expect(metric.Dimensions.map(({ Name }) => Name)).toContain('cause');
      }
    }
  });

  test('compare exhausted callbacks with all callbacks', () => {
    expect(alarm('CallbacksExhausted').Metrics?.at(-1)?.Expression).toMatch(/exhausted.*\/.*delivered/);
  });
});

test('the alarm on refused credentials has one series for each provider', () => {
  expect(alarm('CredentialsRefused').Metrics).toEqual([
    {
      Id: 'refused',
      Expression:
        'SELECT SUM(CredentialsRefused) FROM SCHEMA("Boomerang", provider, service) WHERE service = \'stack\' GROUP BY provider',
      Period: 60,
    },
  ]);
});

test('the alarm on a circuit that stays open fires only if every sweep of two hours found it open', () => {
  const { Statistic, Period = 0, EvaluationPeriods } = alarm('ProviderCircuitStaysOpen');
  expect([Statistic, Period * EvaluationPeriods]).toEqual(['Minimum', 7200]);
});

test('alarms watch only metrics that the code emits', () => {
  const text = readFileSync('template.yaml', 'utf8');
  const named = [
    ...text.matchAll(/Namespace: Boomerang\n +MetricName: (\w+)|SELECT \w+\((\w+)\) FROM SCHEMA\("Boomerang"/g),
  ];
  expect(named.length).toBeGreaterThan(8);
  for (const [, name, selected] of named) expect(Object.keys(METRICS)).toContain(name ?? selected);
});

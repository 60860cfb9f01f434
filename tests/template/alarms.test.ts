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
  if (!found) throw new Error(`template.yaml has no ${name}Alarm`);
  return found;
};
const periodOf = ({ Period, Metrics = [] }: Alarm): number =>
  Period ?? Math.max(...Metrics.map((metric) => metric.Period ?? metric.MetricStat?.Period ?? 0));

/** The functions of the state machine, without their suffix: `JobClaim`. */
const TASKS = Object.keys(template.Resources.ProcessPendingStateMachine?.Properties?.DefinitionSubstitutions ?? {}).map(
  (name) => name.replace('FunctionArn', ''),
);
/** Functions that fail because of third parties. They count their own faults. */
const CALL_THIRD_PARTIES = ['ProviderFetch', 'CallbackDeliver'];

describe.each([...alarms])('%s', (_id, { AlarmDescription, AlarmActions, TreatMissingData, Metrics = [], ...rest }) => {
  test('tells somebody, in words, and says what no data means', () => {
    expect(AlarmDescription.length).toBeGreaterThan(20);
    expect(AlarmActions).toEqual(['topic']);
    expect(['breaching', 'notBreaching']).toContain(TreatMissingData);
  });

  test('watches a metric of this stack, or several by one expression', () => {
    if (Metrics.length === 0) return expect(rest.Dimensions?.length).toBeGreaterThan(0);
    const returned = Metrics.filter(({ ReturnData }) => ReturnData !== false);
    expect(returned).toHaveLength(1);
    const expression = String(returned[0]?.Expression);
    for (const { Id, MetricStat } of Metrics) {
      if (!MetricStat) continue;
      expect(expression).toContain(Id);
      expect(MetricStat.Metric.Dimensions.length).toBeGreaterThan(0);
    }
    // A query looks at all of the account, unless told otherwise.
    if (expression.startsWith('SELECT')) expect(expression).toMatch(/service = 'stack'|TableName = 'JobTable'/);
    // A series without any value makes the whole expression empty, and FILL does not promise otherwise.
    expect(expression).not.toContain('FILL');
    return undefined;
  });
});

test('throttles of the gateway are counted from the access log, where its lines say so', () => {
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

describe('a fault of our own', () => {
  test.each(TASKS)('throttles of %s raise an alarm within a minute', (task) => {
    const { MetricName, Dimensions, ...rest } = alarm(`${task}Throttles`);
    expect([MetricName, Dimensions]).toEqual(['Throttles', [{ Name: 'FunctionName', Value: `${task}Function` }]]);
    expect(rest).toMatchObject({ Period: 60, EvaluationPeriods: 1, Threshold: 1, Statistic: 'Sum' });
  });

  test.each(TASKS.filter((task) => !CALL_THIRD_PARTIES.includes(task)))(
    'errors of %s, which calls no third party, raise an alarm within a minute',
    (task) => {
      const { MetricName, Dimensions, ...rest } = alarm(`${task}Errors`);
      expect([MetricName, Dimensions]).toEqual(['Errors', [{ Name: 'FunctionName', Value: `${task}Function` }]]);
      expect(rest).toMatchObject({ Period: 60, EvaluationPeriods: 1, Threshold: 1, Statistic: 'Sum' });
    },
  );

  test.each([
    ['ProviderFetch', 'provider-fetch'],
    ['CallbackDeliver', 'callback-deliver'],
  ])('of %s rings by what was counted as such, since third parties make its errors', (task, name) => {
    expect(alarms.has(`${task}ErrorsAlarm`)).toBe(false);
    expect(alarm(`${task}OwnFaults`)).toMatchObject({
      MetricName: 'OwnFaults',
      Dimensions: [
        { Name: 'service', Value: 'stack' },
        { Name: 'task', Value: name },
      ],
    });
  });

  test('shows within five minutes, whichever alarm it rings', () => {
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

describe('a job that ends FAILED', () => {
  const causes = [...alarms.values()]
    .flatMap(({ Metrics = [], Dimensions = [] }) => [
      ...Dimensions,
      ...Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.Dimensions ?? []),
    ])
    .flatMap(({ Name, Value }) => (Name === 'cause' ? [Value] : []));

  test('pages nobody for what is its receiver’s or its client’s own', () => {
    expect(causes.sort()).toEqual(['CALLBACK_EXHAUSTED', 'NEVER_SETTLED', 'RESULT_MISSING']);
    // Nor does the sum over all causes.
    for (const { Metrics = [], MetricName, Dimensions = [] } of alarms.values()) {
      const metrics = [{ MetricName, Dimensions }, ...Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? [])];
      for (const metric of metrics.filter((one) => one.MetricName === 'JobsGivenUp')) {
        expect(metric.Dimensions.map(({ Name }) => Name)).toContain('cause');
      }
    }
  });

  test('rings by a share of all where its receiver never took it', () => {
    expect(alarm('CallbacksExhausted').Metrics?.at(-1)?.Expression).toMatch(/exhausted.*\/.*delivered/);
  });
});

test('what is told apart by provider is one series a provider', () => {
  expect(alarm('CredentialsRefused').Metrics).toEqual([
    {
      Id: 'refused',
      Expression:
        'SELECT SUM(CredentialsRefused) FROM SCHEMA("Boomerang", provider, service) WHERE service = \'stack\' GROUP BY provider',
      Period: 60,
    },
  ]);
});

test('a circuit that stays open rings only where no sweep of hours found it closed', () => {
  const { Statistic, Period = 0, EvaluationPeriods } = alarm('ProviderCircuitStaysOpen');
  expect([Statistic, Period * EvaluationPeriods]).toEqual(['Minimum', 7200]);
});

test('every metric that is watched is one that there is', () => {
  const text = readFileSync('template.yaml', 'utf8');
  const named = [
    ...text.matchAll(/Namespace: Boomerang\n +MetricName: (\w+)|SELECT \w+\((\w+)\) FROM SCHEMA\("Boomerang"/g),
  ];
  expect(named.length).toBeGreaterThan(8);
  for (const [, name, selected] of named) expect(Object.keys(METRICS)).toContain(name ?? selected);
});

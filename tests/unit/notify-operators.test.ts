import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { createPublishEvent } from '@boomerang/core/adapters/event-bridge.ts';
import { claimedJobSchema, upgradePayload } from '@boomerang/core/contracts/claimed-job.ts';
import { OPERATOR_EVENT_TYPES } from '@boomerang/core/contracts/operator-event.ts';
import type { Job, JobStatus } from '@boomerang/core/domain/job.ts';
import { METRICS, METRICS_NAMESPACE, type MetricName, type Metrics } from '@boomerang/core/observability/metrics.ts';
import type { OperatorEvent, PublishEvent } from '@boomerang/core/ports/events.ts';
import { createAnnounce } from '@boomerang/core/use-cases/announce-circuit.ts';
import { publishJobEnded, toCircuitEvent } from '@boomerang/core/use-cases/notify-operators.ts';
import { describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { aClaim, aLog, CLIENT_ID, NOW, withoutNotifications } from '../builders.ts';
import { FIXTURE_JOB_ID } from '../event-expectations.ts';

describe('the end of a job', () => {
  const endWith = async (change: object, claim = aClaim()) => {
    const events: OperatorEvent[] = [];
    const metricValues: unknown[][] = [];
    const put = (name: MetricName, value: number) => void metricValues.push([name, value]);
    const count: Metrics['count'] = (name, dimensions, value = 1) =>
      void metricValues.push(dimensions === undefined ? [name, value] : [name, value, dimensions]);
    const metrics = { count, milliseconds: put, seconds: put };
    const publish = async (event: OperatorEvent) => void events.push(event);
    await publishJobEnded({ publish, metrics }, claim, { status: 'COMPLETE', updatedAt: NOW + 1_500, ...change });
    return { events, metricValues };
  };

  test('is published with its reason, and recorded in metrics', async () => {
    expect((await endWith({})).events).toMatchObject([
      { type: 'JobCompleted', clientId: 'client', status: 'COMPLETE' },
    ]);
    expect((await endWith({ status: 'PARTIAL' })).metricValues).toEqual([
      ['JobsDelivered', 1],
      ['TimeToCallback', 1_500],
    ]);
    const failure = { code: 'CALLBACK_GONE', message: '' };
    const failureEnd = await endWith({ status: 'FAILED', failure });
    expect(failureEnd.events).toMatchObject([{ type: 'JobFailed', failureCode: 'CALLBACK_GONE' }]);
    // Zero deliveries are published too, so that the failure rate is defined when nothing was delivered.
    expect(failureEnd.metricValues).toEqual([
      ['JobsGivenUp', 1, { cause: 'CALLBACK_GONE' }],
      ['JobsDelivered', 0],
    ]);
    expect((await endWith({ status: 'FAILED' })).metricValues[0]).toEqual(['JobsGivenUp', 1, { cause: 'UNKNOWN' }]);
  });

  test('is the only change of a job that is published', async () => {
    expect(await endWith({ status: 'PENDING' })).toEqual({ events: [], metricValues: [] });
  });

  test('in a payload of the previous version is published without its duration', async () => {
    expect((await endWith({}, aClaim({ createdAt: null }))).metricValues).toEqual([['JobsDelivered', 1]]);
  });
});

describe('the event publisher', () => {
  const event: OperatorEvent = { type: 'JobFailed', jobId: 'id', clientId: 'client', status: 'FAILED' };

  test('puts the event on the default bus, with its version', async () => {
    const bus = mockClient(EventBridgeClient);
    bus.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
    await createPublishEvent(new EventBridgeClient({ region: 'us-east-1' }), 'all', aLog())(event);
    const [entry] = bus.commandCalls(PutEventsCommand)[0]?.args[0].input.Entries ?? [];
    expect(entry).toMatchObject({ Source: 'boomerang', DetailType: 'JobFailed' });
    expect(JSON.parse(entry?.Detail ?? '')).toEqual({ v: 1, jobId: 'id', clientId: 'client', status: 'FAILED' });
  });

  test.each([
    ['all', ['JobCompleted', 'JobFailed', 'CircuitClosed']],
    ['failures', ['JobFailed', 'CircuitClosed']],
    ['none', []],
  ] as const)('with the setting %s publishes %j', async (setting, expected) => {
    const bus = mockClient(EventBridgeClient);
    bus.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
    const publish = createPublishEvent(new EventBridgeClient({ region: 'us-east-1' }), setting, aLog());
    await publish({ ...event, type: 'JobCompleted', status: 'COMPLETE' });
    await publish(event);
    await publish({ type: 'CircuitClosed', circuit: 'provider#gas' });
    const types = bus.commandCalls(PutEventsCommand).map(({ args: [{ input }] }) => input.Entries?.[0]?.DetailType);
    expect(types).toEqual(expected);
  });

  test.each([
    ['is down', () => Promise.reject(new Error('down'))],
    ['rejects the event', () => Promise.resolve({ FailedEntryCount: 1 })],
  ])('never throws when the bus %s', async (_case, respond) => {
    const bus = mockClient(EventBridgeClient);
    bus.on(PutEventsCommand).callsFake(respond);
    const log = aLog();
    await createPublishEvent(new EventBridgeClient({ region: 'us-east-1' }), 'all', log)(event);
    expect(log.lines).toMatchObject([{ level: 'warn', message: 'Event publish failed' }]);
  });
});

describe('published events', () => {
  /** Attributes of a stored item that no event may contain. */
  const internals = {
    jobId: 'TALLY#provider#gas',
    itemId: 'WINDOW#1',
    expiresAt: 1,
    dueShard: 3,
    clientShard: 'client#1',
    callbackUrl: 'https://example.com/?token=secret',
    claims: 7,
  };
  const circuit = { ...internals, key: 'provider#gas', openUntil: NOW, consecutiveOpens: 1, halfOpen: false };
  const eventsOf = async (act: (publish: PublishEvent) => Promise<void>): Promise<unknown> => {
    const bus = mockClient(EventBridgeClient);
    bus.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
    await act(createPublishEvent(new EventBridgeClient({ region: 'us-east-1' }), 'all', aLog()));
    return bus.commandCalls(PutEventsCommand).flatMap(({ args: [{ input }] }) => {
      return (input.Entries ?? []).map(({ DetailType, Detail = '' }) => [DetailType, JSON.parse(Detail)]);
    });
  };
  const claim = { ...aClaim({ jobId: FIXTURE_JOB_ID }), dueAt: 1, expiresAt: 2 };
  const end = (status: JobStatus, failure?: Job['failure']) => (publish: PublishEvent) =>
    publishJobEnded({ ...withoutNotifications, publish }, claim, {
      ...internals,
      status,
      updatedAt: NOW,
      ...(failure && { failure }),
    });
  const jobDetail = (status: string, more = {}) => ({
    v: 1,
    jobId: FIXTURE_JOB_ID,
    clientId: CLIENT_ID,
    status,
    ...more,
  });

  const cases: Record<string, [act: (publish: PublishEvent) => Promise<void>, detail: object]> = {
    JobCompleted: [end('COMPLETE'), jobDetail('COMPLETE')],
    JobPartial: [end('PARTIAL'), jobDetail('PARTIAL')],
    JobFailed: [
      end('FAILED', {
        ...internals,
        code: 'CALLBACK_GONE',
        message: 'https://example.com/?token=secret',
      } as Job['failure']),
      jobDetail('FAILED', { failureCode: 'CALLBACK_GONE' }),
    ],
    CircuitOpened: [
      (publish) => publish(toCircuitEvent({ isOpen: true, circuit, tally: { ...internals, calls: 20, failures: 19 } })),
      { v: 1, circuit: 'provider#gas', openUntil: new Date(NOW).toISOString(), calls: 20, failures: 19 },
    ],
    CircuitClosed: [
      (publish) => publish(toCircuitEvent({ isOpen: false, circuit })),
      { v: 1, circuit: 'provider#gas' },
    ],
  };

  test.each(Object.entries(cases))('contain exactly the expected attributes: %s', async (type, [act, detail]) => {
    expect(await eventsOf(act)).toEqual([[type, detail]]);
  });

  test('contain only known attributes, even if the event has internal ones', async () => {
    for (const [type, [, { v: _version, ...detail }]] of Object.entries(cases) as [
      string,
      [unknown, { v: number }],
    ][]) {
      const { jobId: _jobId, ...otherInternals } = internals;
      const event = { ...otherInternals, ...detail, type } as unknown as OperatorEvent;
      expect(await eventsOf((publish) => publish(event))).toEqual([[type, { v: 1, ...detail }]]);
    }
  });

  test('have an expectation for every type', () => {
    expect(Object.keys(cases).sort()).toEqual([...OPERATOR_EVENT_TYPES].sort());
  });
});

test('circuit events contain the key of the circuit', () => {
  const circuit = { key: 'provider#gas', openUntil: NOW, consecutiveOpens: 1, halfOpen: false };
  expect(toCircuitEvent({ isOpen: true, circuit, tally: { calls: 20, failures: 19 } })).toEqual({
    type: 'CircuitOpened',
    circuit: 'provider#gas',
    openUntil: new Date(NOW).toISOString(),
    calls: 20,
    failures: 19,
  });
  expect(toCircuitEvent({ isOpen: false, circuit })).toEqual({ type: 'CircuitClosed', circuit: 'provider#gas' });
});

test.each([
  ['provider#gas', 'provider'],
  ['callback#example.com', 'callback'],
])('a circuit is counted when it opens, by its kind: %s', async (key, kind) => {
  const events: OperatorEvent[] = [];
  const metricCalls: unknown[] = [];
  const count: Metrics['count'] = (...metric) => void metricCalls.push(metric);
  const publish = async (event: OperatorEvent) => void events.push(event);
  const announce = createAnnounce({ publish, metrics: { ...withoutNotifications.metrics, count } });
  const circuit = { key, openUntil: NOW, consecutiveOpens: 1, halfOpen: false };
  await announce({ isOpen: true, circuit, tally: { calls: 20, failures: 19 } });
  await announce({ isOpen: false, circuit });
  expect(metricCalls).toEqual([['CircuitOpened', { of: kind }]]);
  expect(events.map(({ type }) => type)).toEqual(['CircuitOpened', 'CircuitClosed']);
});

test('metrics are lines in the Embedded Metric Format', () => {
  const code = `import { createGauge, createMetrics } from '@boomerang/core/observability/metrics.ts';
    const metrics = createMetrics();
    const gauge = createGauge();
    // Functions that share a process read their variables only at load.
    delete process.env.POWERTOOLS_METRICS_DISABLED;
    metrics.count('ProviderFailures', { provider: 'gas' });
    metrics.count('JobsDelivered', undefined, 0);
    metrics.milliseconds('TimeToCallback', 12);
    gauge('OpenCircuits', 0);`;
  const run = (POWERTOOLS_METRICS_DISABLED: string) => {
    const env = { ...process.env, POWERTOOLS_METRICS_DISABLED, POWERTOOLS_SERVICE_NAME: 'boomerang-dev' };
    return execFileSync(process.execPath, ['--input-type=module', '--eval', code], { env }).toString();
  };
  expect(run('true')).toBe('');
  const lines = run('false').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    {
      _aws: { CloudWatchMetrics: [{ Namespace: 'Boomerang', Dimensions: [['service', 'provider']] }] },
      ProviderFailures: 1,
      provider: 'gas',
      service: 'boomerang-dev',
    },
    { _aws: { CloudWatchMetrics: [{ Dimensions: [['service']] }] }, JobsDelivered: 0 },
    { _aws: { CloudWatchMetrics: [{ Dimensions: [['service']] }] }, TimeToCallback: 12 },
    { _aws: { CloudWatchMetrics: [{ Dimensions: [['service']] }] }, OpenCircuits: 0 },
  ]);
});

test('the dashboard charts every metric, and the alarms use only existing metrics', () => {
  const template = readFileSync('template.yaml', 'utf8');
  const chartMetrics = [...template.matchAll(/\["Boomerang", "(\w+)"/g)].map(([, name]) => name);
  const searchMetrics = [...template.matchAll(/MetricName=\\"(\w+)\\"/g)].map(([, name]) => name);
  const alarmMetrics = [...template.matchAll(/Namespace: Boomerang\n +MetricName: (\w+)/g)].map(([, name]) => name);
  expect(new Set([...chartMetrics, ...searchMetrics])).toEqual(new Set(Object.keys(METRICS)));
  for (const name of alarmMetrics) expect(Object.keys(METRICS)).toContain(name);
  expect(METRICS_NAMESPACE).toBe('Boomerang');
  // Each chart shows this stack only, because an account may hold several.
  expect(template.match(/"service", "\$\{AWS::StackName\}"/g)).toHaveLength(chartMetrics.length);
  expect(template.match(/service=\\"\$\{AWS::StackName\}\\" MetricName/g)).toHaveLength(searchMetrics.length);
});

test('the dashboard body is valid JSON', () => {
  const [, dashboardBody = ''] =
    /DashboardBody: !Sub \|\n((?: {8}.*\n)+)/.exec(readFileSync('template.yaml', 'utf8')) ?? [];
  const { widgets } = JSON.parse(dashboardBody.replaceAll(/\$\{[\w:]+\}/g, 'x')) as { widgets: object[] };
  expect(widgets.length).toBeGreaterThan(3);
});

test('a payload of the previous version is upgraded, and an invalid payload is rejected', () => {
  const { createdAt: _createdAt, ...claim } = aClaim();
  expect(claimedJobSchema.parse(upgradePayload({ ...claim, v: 1 }))).toEqual({ ...claim, createdAt: null });
  expect(claimedJobSchema.safeParse(upgradePayload({ ...claim, v: 3 })).success).toBe(false);
  expect(claimedJobSchema.safeParse(upgradePayload(claim)).success).toBe(false);
  for (const payload of [null, 'text', 5, []]) expect(upgradePayload(payload)).toBe(payload);
});

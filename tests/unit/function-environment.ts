/** What functions read when they load: import this before any handler. */
Object.assign(process.env, {
  AWS_REGION: 'us-east-1',
  JOB_TABLE_NAME: 'JobTable',
  STATE_MACHINE_ARN: 'arn:aws:states:us-east-1:000000000000:stateMachine:test',
  PROVIDER_CATALOGUE: 'layers/provider-catalogue/providers.json',
  PROVIDERS_API_URL: 'http://127.0.0.1:3001',
  CALLBACK_ALLOW_HTTP: 'false',
  LEASE_SECONDS: '360',
  FETCH_DEADLINE_SECONDS: '86400',
  RETRY_SCHEDULE_SECONDS: '30,120',
  RETENTION_SECONDS: '3600',
  SHARD_COUNT: '1',
  MAX_JOBS_PER_SWEEP: '100',
  FAILURE_RATE: '0',
  FAILURE_SEED: '',
  PROVIDER_LATENCY_MS: '0',
  MAINTENANCE_WINDOW: '',
});

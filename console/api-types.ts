/** The API's types, as the console uses them. */

export type Status = 'PENDING' | 'COMPLETE' | 'PARTIAL' | 'FAILED' | 'CANCELLED';
export type Phase = 'FETCHING' | 'CALLING_BACK';

/** Paths relative to the API. An action is present only while it is allowed. */
export type JobLinks = { self: string; data: string; redrive?: string; cancel?: string; delete?: string };

export type JobSummary = {
  jobId: string;
  status: Status;
  phase: Phase;
  providers: string[];
  callbackHost: string;
  createdAt: string;
  endedAt: string | null;
  failureCode?: string;
  links: JobLinks;
};
export type JobPage = { jobs: JobSummary[]; cursor: string | null };

export type Failure = { class: string; statusCode?: number };
export type Deferral = { class: string; cause?: Failure };

export type ProviderState = {
  providerId: string;
  status: 'PENDING' | 'FETCHED' | 'REFUSED' | 'UNAVAILABLE';
  fetchedAt?: string;
  bytes?: number;
  error?: Failure;
  failedAttempts?: number;
  nextAttemptAt?: string;
  workingSince?: string;
  polls?: number;
  deferred?: Deferral;
  parameters?: Record<string, string | number | boolean>;
};

export type Call = {
  status: 'OK' | 'FAILED';
  class?: string;
  statusCode?: number;
  startedAt?: string;
  durationMs?: number;
  tries?: number;
  excerpt?: string;
};
export type ProviderCall = Call & { providerId: string };

export type Attempt = {
  number: number;
  trigger: string;
  startedAt: string;
  endedAt: string;
  fetches: ProviderCall[];
  callback: Call | null;
  nextAttemptAt: string | null;
};

export type Job = {
  jobId: string;
  status: Status;
  phase: Phase;
  callbackUrl: string;
  providers: ProviderState[];
  metadata?: Record<string, string>;
  attempts: Attempt[];
  nextAttemptAt: string | null;
  callbackDeferred?: Deferral;
  failure?: { code: string; message: string };
  expungedAt?: string;
  createdAt: string;
  updatedAt: string;
  endedAt: string | null;
  deadlineAt: string;
  links: JobLinks;
};

export type StatusCounts = Record<Status, number>;
export type Stats = {
  from: string;
  to: string;
  bucket: 'minute' | '5minutes' | 'hour' | '6hours' | 'day';
  buckets: (StatusCounts & { from: string })[];
  totals: StatusCounts;
  deliveredShare: number | null;
  timeToCallbackMs: { p50: number; p95: number } | null;
  oldestPendingAt: string | null;
  inTrouble: number;
  truncated: boolean;
};

export type RedriveRequest = {
  status?: Status | Status[];
  from?: string;
  to?: string;
  providerId?: string;
  failureCode?: string;
  inTrouble?: true;
  dryRun?: boolean;
};
export type RedriveCount = { matched: number; truncated: boolean };
export type Redrive = {
  redriveId: string;
  status: 'RUNNING' | 'COMPLETE';
  query: Omit<RedriveRequest, 'dryRun'>;
  redriven: number;
  skipped: number;
  failed: number;
  createdAt: string;
  updatedAt: string;
  links: { self: string };
};
export type RedrivePage = { redrives: Redrive[]; cursor: string | null };

export type Client = {
  clientId: string;
  name: string;
  isOperator: boolean;
  createdAt: string;
  revokedAt: string | null;
  pendingJobs: number;
  pendingJobsTruncated: boolean;
};
export type ClientPage = { clients: Client[]; cursor: string | null };
export type Me = { clientId: string; name: string; isOperator: boolean };

/** A parameter's JSON Schema, as far as catalogues use it. */
export type ParameterSchema = {
  type: 'string' | 'integer' | 'number' | 'boolean';
  title?: string;
  description?: string;
  default?: string | number | boolean;
  const?: string | number | boolean;
  enum?: (string | number | boolean)[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  multipleOf?: number;
  writeOnly?: boolean;
};
export type ParametersSchema = {
  type: 'object';
  required?: string[];
  properties?: Record<string, ParameterSchema>;
};
export type Provider = {
  id: string;
  title?: string;
  description?: string;
  parameters?: ParametersSchema;
  circuit?: 'closed' | 'open' | 'half_open';
};
export type Catalogue = { providers: Provider[] };

/** RFC 9457. */
export type Problem = {
  title?: string;
  status?: number;
  detail?: string;
  instance?: string;
  errors?: { pointer: string; message: string }[];
  links?: Record<string, string>;
};

import type { Catalogue as ApiCatalogue, JobSummary, OfferedProvider } from '@boomerang/client/api-types.ts';

/** The API's types: those generated from its OpenAPI document, and narrower ones where the document is not specific. */

export type {
  Attempt,
  Call,
  ClientPage,
  ClientState as Client,
  Deferral,
  Job,
  JobPage,
  JobStats as Stats,
  JobSummary,
  Me,
  Problem,
  ProviderCall,
  ProviderState,
  Redrive,
  RedriveCount,
  RedriveOpen,
  RedrivePage,
} from '@boomerang/client/api-types.ts';

export type Status = JobSummary['status'];

export type StatusCounts = Record<Status, number>;

export type RedriveRequest = {
  status?: Status | Status[];
  from?: string;
  to?: string;
  providerId?: string;
  failureCode?: string;
  inTrouble?: true;
  dryRun?: boolean;
};

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
/** A provider of the catalogue. The OpenAPI document allows any JSON Schema for its parameters. */
export type Provider = Omit<OfferedProvider, 'parameters'> & { parameters?: ParametersSchema };
export type Catalogue = Omit<ApiCatalogue, 'providers'> & { providers: Provider[] };

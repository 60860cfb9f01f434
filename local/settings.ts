import { explainIssue, InvalidEnvironment, readSettings, settings } from '@boomerang/core/config/settings.ts';
import { InvalidCatalogue } from '@boomerang/core/domain/catalogue/catalogue.ts';
import * as z from 'zod';
import { formatFault, readCatalogueFile } from '../cli/catalogue-file.ts';

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .trim()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));

/** Standard Webhooks, "Signature scheme". */
const isSigningSecret = (text: string): boolean => {
  const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const { length } = Buffer.from(base64 ?? '', 'base64');
  return length >= 24 && length <= 64;
};

/** The pattern of the template parameter CorsOrigins. */
export const CORS_ORIGINS = /^((https:\/\/[a-z0-9.-]+|http:\/\/(localhost|127\.0\.0\.1))(:\d{1,5})?(,(?!$)|$))*$/;

/** Settings of the embedded cloud itself. Port 0 selects any free port. */
const ownSettings = z.object({
  SERVICE_PORT: wholeNumber(0, 65_535).default(3000),
  PROVIDERS_PORT: wholeNumber(0, 65_535).default(3001),
  DATA_DIR: z.string().min(1, 'must not be empty').default('.data'),
  SWEEP_SECONDS: wholeNumber(1, 86_400).optional(),
  MAX_CONCURRENT_REQUESTS: wholeNumber(1, 100_000).default(1_000),
  CORS_ORIGINS: z
    .string()
    .regex(CORS_ORIGINS, 'must be comma-separated https origins, or http origins of localhost')
    .default(''),
  LOCAL_API_KEY: z
    .string()
    .regex(/^[\w.~+/-]{16,255}=*$/, 'must be 16 to 255 characters allowed in a bearer token')
    .optional(),
  LOCAL_SIGNING_SECRET: z
    .string()
    .refine(isSigningSecret, 'must be whsec_ followed by base64 of 24 to 64 bytes')
    .optional(),
});

type SettingName = keyof typeof settings;

/** Settings of the functions that the embedded cloud determines itself. */
const FIXED: ReadonlySet<SettingName> = new Set<SettingName>([
  'SHARD_COUNT',
  'PROVIDERS_API_URL',
  'SECRETS_PATH',
  'COMPLETE_SECRET_NAME',
  'COMPLETE_UNSIGNED',
  'JOB_TABLE_NAME',
  'CLIENT_TABLE_NAME',
  'STATE_MACHINE_ARN',
]);

/** Settings of the functions that the environment may override. The template has their defaults. */
const PASSED_ON = (Object.keys(settings) as SettingName[]).filter((name) => !FIXED.has(name));

/** The environment variables that `npm start` reads. */
export const LOCAL_SETTINGS: readonly string[] = [...Object.keys(ownSettings.shape), ...PASSED_ON];

export type LocalSettings = z.infer<typeof ownSettings> & {
  /** Validated overrides of the functions' variables. */
  functionEnvironment: Record<string, string>;
};

/**
 * Reads the settings of `npm start`.
 * @throws InvalidEnvironment naming every invalid variable
 */
export const readLocalSettings = (environment: NodeJS.ProcessEnv): LocalSettings => {
  const parsed = ownSettings.safeParse(environment);
  const faults = (parsed.error?.issues ?? []).map(explainIssue);
  const present = PASSED_ON.filter((name) => environment[name] !== undefined);
  faults.push(...faultsOf(() => readSettings(present, environment)));
  faults.push(...faultsOf(() => checkCatalogue(environment.PROVIDER_CATALOGUE)));
  const { SERVICE_PORT = 0, PROVIDERS_PORT } = parsed.data ?? {};
  if (SERVICE_PORT !== 0 && SERVICE_PORT === PROVIDERS_PORT)
    faults.push('PROVIDERS_PORT: must differ from SERVICE_PORT');
  if (!parsed.success || faults.length > 0) throw new InvalidEnvironment(faults);
  const functionEnvironment = Object.fromEntries(present.map((name) => [name, environment[name] as string]));
  // With a known signing secret, the test receiver verifies signatures.
  if (parsed.data.LOCAL_SIGNING_SECRET !== undefined) functionEnvironment.COMPLETE_SECRET_NAME = 'LOCAL_SIGNING_SECRET';
  return { ...parsed.data, functionEnvironment };
};

const faultsOf = (read: () => void): readonly string[] => {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof InvalidEnvironment) return error.faults;
    throw error;
  }
};

/** Validates the catalogue before the functions load it, so that its errors, with line and column, are reported with all others. */
const checkCatalogue = (file: string | undefined): void => {
  if (!file) return;
  try {
    const { isJson, faults, message } = readCatalogueFile(file, { PROVIDERS_API_URL: 'http://127.0.0.1' });
    const errors = isJson ? faults.map(formatFault).join('; ') : message;
    if (faults.length > 0) throw new InvalidEnvironment([`PROVIDER_CATALOGUE: ${file}: ${errors}`]);
  } catch (error) {
    if (error instanceof InvalidCatalogue) throw new InvalidEnvironment([`PROVIDER_CATALOGUE: ${error.message}`]);
    throw error;
  }
};

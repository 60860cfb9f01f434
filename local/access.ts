import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** AWS credentials for one instance of the embedded cloud. */
export type Access = { accessKeyId: string; secretAccessKey: string };

/** Generates credentials, valid while one instance runs. */
export const newAccess = (): Access => ({
  accessKeyId: `LOCAL${randomBytes(10).toString('hex').toUpperCase()}`,
  secretAccessKey: randomBytes(30).toString('base64url'),
});

/** Sets the variables from which SDK clients read credentials. */
export const setAccess = (environment: NodeJS.ProcessEnv, access: Access): void => {
  Object.assign(environment, {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: access.accessKeyId,
    AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
  });
  // Otherwise the user's own profile or session would be used.
  for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN']) delete environment[name];
};

/** AWS rejects signatures further than this in the past or future. */
const MAX_CLOCK_SKEW_MS = 15 * 60_000;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 +Credential=(?<accessKeyId>\w+)\/(?<date>\d{8})\/(?<region>[\w-]+)\/(?<service>[\w-]+)\/aws4_request, *SignedHeaders=(?<signedHeaders>[\w;-]+), *Signature=(?<signature>[0-9a-f]{64})$/;

/** A signed `POST /` request. */
export type SignedRequest = { headers: IncomingHttpHeaders; body: Buffer };

/** Whether a request names this access key. Does not verify the signature: a cheap check before the body is read. */
export const namesAccessKey = (headers: IncomingHttpHeaders, { accessKeyId }: Access): boolean =>
  AUTHORIZATION.exec(headers.authorization ?? '')?.groups?.accessKeyId === accessKeyId;

/**
 * Creates a verifier of `POST /` requests (AWS Signature Version 4, "Create a signed AWS API request").
 * @param service the service that the credential must be scoped to: `dynamodb`, `states` or `events`
 * @returns a function that checks whether a request was signed with these credentials, within 15 minutes of `now` (epoch
 * milliseconds)
 */
export const createVerifier = ({ accessKeyId, secretAccessKey }: Access, service: string) => {
  // The signing key is cached: it depends on the credential's scope, which changes once a day.
  let derived = { scope: '', key: Buffer.alloc(0) };
  const keyFor = (scope: string): Buffer => {
    if (derived.scope !== scope) {
      const key = scope.split('/').reduce((parent, part) => hmac(parent, part), Buffer.from(`AWS4${secretAccessKey}`));
      derived = { scope, key };
    }
    return derived.key;
  };
  return ({ headers, body }: SignedRequest, now: number): boolean => {
    const credential = AUTHORIZATION.exec(headers.authorization ?? '')?.groups;
    if (credential?.accessKeyId !== accessKeyId || credential.service !== service) return false;
    const { date = '', region = '', signedHeaders = '', signature = '' } = credential;
    const names = signedHeaders.split(';');
    const timestamp = String(headers['x-amz-date']);
    if (!timestamp.startsWith(date) || !['host', 'x-amz-date'].every((name) => names.includes(name))) return false;
    if (!(Math.abs(now - parseTimestamp(timestamp)) <= MAX_CLOCK_SKEW_MS)) return false;

    const canonicalHeaders = names.map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}\n`);
    const canonical = ['POST', '/', '', canonicalHeaders.join(''), signedHeaders, sha256(body)].join('\n');
    const scope = `${date}/${region}/${service}/aws4_request`;
    const expected = hmac(keyFor(scope), ['AWS4-HMAC-SHA256', timestamp, scope, sha256(canonical)].join('\n'));
    return timingSafeEqual(Buffer.from(signature, 'hex'), expected);
  };
};

/** `20260101T000000Z` */
const parseTimestamp = (timestamp: string): number =>
  Date.parse(timestamp.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\dZ)$/, '$1-$2-$3:$4:$5'));

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: Buffer, data: string): Buffer<ArrayBuffer> => createHmac('sha256', key).update(data).digest();

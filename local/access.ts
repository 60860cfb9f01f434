import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Credentials of one instance of the embedded cloud, in the form that AWS SDKs take. */
export type Access = { accessKeyId: string; secretAccessKey: string };

/** New credentials, for as long as one instance runs. */
export const newAccess = (): Access => ({
  accessKeyId: `LOCAL${randomBytes(10).toString('hex').toUpperCase()}`,
  secretAccessKey: randomBytes(30).toString('base64url'),
});

/** The variables by which SDK clients find credentials, and only these. */
export const setAccess = (environment: NodeJS.ProcessEnv, access: Access): void => {
  Object.assign(environment, {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: access.accessKeyId,
    AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
  });
  // Neither a profile nor a session of the user's own.
  for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN']) delete environment[name];
};

/** AWS rejects signatures older than this, or as far in the future. */
const MAX_CLOCK_SKEW_MS = 15 * 60_000;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 +Credential=(?<accessKeyId>\w+)\/(?<date>\d{8})\/(?<region>[\w-]+)\/(?<service>[\w-]+)\/aws4_request, *SignedHeaders=(?<signedHeaders>[\w;-]+), *Signature=(?<signature>[0-9a-f]{64})$/;

/** A signed request to an endpoint that only knows `POST /`. */
export type SignedRequest = { headers: IncomingHttpHeaders; body: Buffer };

/** Whether a request names an access key, without verifying its signature: enough to refuse strangers before reading a body. */
export const namesAccessKey = (headers: IncomingHttpHeaders, { accessKeyId }: Access): boolean =>
  AUTHORIZATION.exec(headers.authorization ?? '')?.groups?.accessKeyId === accessKeyId;

/**
 * Verifies signatures of `POST /` requests (AWS Signature Version 4, "Create a signed AWS API request").
 * @param service to which the credential must be scoped: `dynamodb`, `states`, `events`
 * @returns tells whether a request was signed with these credentials, at most 15 minutes from a time (epoch milliseconds)
 */
export const createVerifier = ({ accessKeyId, secretAccessKey }: Access, service: string) => {
  // Derived from the credential's scope, which is the same all day.
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

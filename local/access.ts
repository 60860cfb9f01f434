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
export const namesAccessKey = (headers: IncomingHttpHeaders, { accessKeyId }: Access): boolean => {
  const given = AUTHORIZATION.exec(headers.authorization ?? '')?.groups?.accessKeyId;
  return given !== undefined && isEqual(given, accessKeyId);
};

/**
 * Verifies the signature of a `POST /` (AWS Signature Version 4, "Create a signed AWS API request").
 * @param service to which the credential must be scoped: `dynamodb`, `states`, `events`
 * @param now epoch milliseconds
 */
export const isSignedWith = (
  { headers, body }: SignedRequest,
  access: Access,
  service: string,
  now: number,
): boolean => {
  const credential = AUTHORIZATION.exec(headers.authorization ?? '')?.groups;
  if (!credential || !isEqual(credential.accessKeyId ?? '', access.accessKeyId)) return false;
  const { date = '', region = '', signedHeaders = '', signature = '' } = credential;
  const names = signedHeaders.split(';');
  const timestamp = String(headers['x-amz-date']);
  if (credential.service !== service || !timestamp.startsWith(date)) return false;
  if (!['host', 'x-amz-date'].every((name) => names.includes(name))) return false;
  if (!(Math.abs(now - parseTimestamp(timestamp)) <= MAX_CLOCK_SKEW_MS)) return false;

  const canonicalHeaders = names.map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}\n`);
  const canonical = ['POST', '/', '', canonicalHeaders.join(''), signedHeaders, sha256(body)].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${access.secretAccessKey}`);
  const expected = hmac(key, ['AWS4-HMAC-SHA256', timestamp, scope, sha256(canonical)].join('\n')).toString('hex');
  return isEqual(signature, expected);
};

/** `20260101T000000Z` */
const parseTimestamp = (timestamp: string): number =>
  Date.parse(timestamp.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\dZ)$/, '$1-$2-$3:$4:$5'));

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

/** Compares in a time that does not depend on where two texts differ. */
const isEqual = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

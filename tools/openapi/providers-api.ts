import { VERSION } from '@boomerang/core/version.ts';
import * as z from 'zod';
import { createDocument } from 'zod-openapi';
import { DEFAULT_GAS_ACCOUNT } from '../../functions/providers/bills.ts';
import { accountQuerySchema, pageQuerySchema, reportOrderSchema } from '../../functions/providers/schema.ts';
import { CLIENT_ID, SCOPE } from '../../functions/providers/token-request.ts';
import { TOKEN_SECONDS } from '../../functions/providers/tokens.ts';
import { always, docsPaths, json, problems } from './shared.ts';

const BILL = { billedOn: '2020-04-07T15:03:14.257Z', amount: 22.27 };
const REPORT_ID = 'MTc2NzIyNTYwMDAwMA.sBX4PqQ0cG4';

const billSchema = z
  .object({
    billedOn: z.iso.datetime().meta({ description: 'ISO 8601, UTC.' }),
    amount: z.number().meta({ description: 'In the currency of the account.' }),
  })
  .meta({ id: 'Bill', description: 'A bill of a customer.' });

const billPageSchema = z
  .object({
    data: z.array(billSchema),
    meta: z.object({
      next: z.string().nullable().meta({ description: 'The cursor of the next page; null on the last.' }),
    }),
  })
  .meta({ id: 'BillPage', description: 'A page of bills, oldest first.' });

const tokenRequestSchema = z
  .object({
    grant_type: z.literal('client_credentials'),
    scope: z.literal(SCOPE).optional(),
    client_id: z
      .string()
      .optional()
      .meta({ description: `\`${CLIENT_ID}\`, unless sent by HTTP Basic.` }),
    client_secret: z
      .string()
      .optional()
      .meta({ description: 'The setting `REPORTS_CLIENT_SECRET`, unless sent by HTTP Basic.' }),
  })
  .meta({ id: 'TokenRequest', description: 'A request for an access token (RFC 6749 §4.4.2).' });

const tokenSchema = z
  .object({
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.int().meta({ description: 'Seconds.' }),
    scope: z.literal(SCOPE),
  })
  .meta({ id: 'Token', description: 'An access token (RFC 6749 §5.1).' });

const tokenErrorSchema = z
  .object({ error: z.enum(['invalid_client', 'invalid_request', 'invalid_scope', 'unsupported_grant_type']) })
  .meta({ id: 'TokenError', description: 'Why no token was issued (RFC 6749 §5.2).' });

const reportId = z
  .string()
  .meta({ description: 'From the response of `POST /providers/reports`.', examples: [REPORT_ID] });

const orderedSchema = z
  .object({ id: reportId, status: z.literal('QUEUED') })
  .meta({ id: 'OrderedReport', description: 'A report that has just been ordered.' });

const reportSchema = z
  .object({
    id: reportId,
    status: z.enum(['QUEUED', 'RUNNING', 'DONE', 'REJECTED']),
    report: z
      .object({
        creditScore: z.int().min(300).max(850),
        rating: z.enum(['A', 'B', 'C', 'D']),
        openLoans: z.int().min(0),
      })
      .optional()
      .meta({ description: 'Only if DONE.' }),
  })
  .meta({ id: 'Report', description: 'A report on a tax id, with data made up from the id.' });

const pathOfProvider = z.object({
  providerId: z
    .string()
    .min(1)
    .meta({ description: 'Id of a provider with bills, from `GET /providers`.', examples: ['gas'] }),
});
const pathOfAccount = z.object({
  account: z
    .string()
    .regex(/^[0-9]{8,12}$/)
    .meta({
      description: `Bills are made up for each number; ${DEFAULT_GAS_ACCOUNT} has those of \`GET /providers/gas\`.`,
      examples: [DEFAULT_GAS_ACCOUNT],
    }),
});

const FAILS = 'Fails with the probability `FAILURE_RATE`, and always during a maintenance window.';
const failure = {
  500: {
    description: 'A deliberate failure, or an internal error.',
    content: { 'text/plain': { schema: z.literal('#fail') }, ...problems(500)['500']?.content },
  },
};
const retryAfter = z
  .string()
  .regex(/^\d+$/)
  .meta({ description: 'Seconds to wait before the next poll.', examples: ['1'] });
const challenge = z.object({ 'www-authenticate': z.string() });
const unauthorized = {
  401: {
    ...problems(401)['401'],
    description: 'The access token is missing, invalid or has expired.',
    headers: challenge,
  },
};
const withToken = [{ reportsToken: [SCOPE] }];

/** The mock third parties. */
export const providersApi = createDocument({
  openapi: '3.1.1',
  info: {
    title: 'Boomerang providers API',
    version: VERSION,
    description: 'Mock third parties to try Boomerang with. They fail on purpose.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/' }],
  security: [],
  tags: [
    { name: 'Providers', description: 'The mock third parties.' },
    { name: 'Bills', description: 'Bills, in one response or in pages.' },
    { name: 'Reports', description: 'Asynchronous reports, protected by OAuth 2 client credentials.' },
    { name: 'Operation', description: 'Documentation of the API.' },
  ],
  components: {
    securitySchemes: {
      reportsToken: {
        type: 'oauth2',
        description: `An access token for the client \`${CLIENT_ID}\`.`,
        flows: { clientCredentials: { tokenUrl: '/providers/token', scopes: { [SCOPE]: 'Order and read reports.' } } },
      },
    },
  },
  paths: {
    '/providers': {
      get: {
        operationId: 'listProviders',
        tags: ['Providers'],
        summary: 'List the ids of the providers',
        security: [],
        responses: {
          200: { description: 'The ids.', content: json(z.array(z.string()), ['gas', 'internet', 'reports']) },
          ...always,
        },
      },
    },
    '/providers/{providerId}': {
      get: {
        operationId: 'getBills',
        tags: ['Bills'],
        summary: 'Get the bills of a provider',
        description: FAILS,
        security: [],
        requestParams: { path: pathOfProvider },
        responses: {
          200: { description: 'The bills.', content: json(z.array(billSchema), [BILL]) },
          ...always,
          ...problems(404, 405),
          ...failure,
        },
      },
    },
    '/providers/gas/accounts/{account}/bills': {
      get: {
        operationId: 'getAccountBills',
        tags: ['Bills'],
        summary: 'Get the bills of a gas account, paginated by cursor',
        description: FAILS,
        security: [],
        requestParams: { path: pathOfAccount, query: accountQuerySchema },
        responses: {
          200: {
            description: 'A page.',
            content: json(billPageSchema, { data: [BILL], meta: { next: 'YmlsbCAx' } }),
            links: {
              next: {
                operationId: 'getAccountBills',
                parameters: { account: '$request.path.account', cursor: '$response.body#/meta/next' },
              },
            },
          },
          ...always,
          ...problems(404),
          400: { ...problems(400)['400'], description: 'The cursor is not from a previous page.' },
          ...failure,
        },
      },
    },
    '/providers/internet/bills': {
      get: {
        operationId: 'getInternetBills',
        tags: ['Bills'],
        summary: 'Get the bills of the internet provider, paginated by Link header',
        description: `Pages after the last are empty. ${FAILS}`,
        security: [],
        requestParams: { query: pageQuerySchema },
        responses: {
          200: {
            description: 'A page.',
            headers: z.object({
              link: z
                .string()
                .optional()
                .meta({
                  description: 'URL of the next page, relative to this one (RFC 8288); absent on the last.',
                  examples: ['<?page=2>; rel="next"'],
                }),
            }),
            content: json(z.array(billSchema), [BILL]),
          },
          ...always,
          ...failure,
        },
      },
    },
    '/providers/token': {
      post: {
        operationId: 'postToken',
        tags: ['Reports'],
        summary: 'Get an access token with client credentials',
        description: `RFC 6749 §4.4. The client authenticates by HTTP Basic, or by client_id and client_secret in the form. Tokens are valid for ${TOKEN_SECONDS} seconds. ${FAILS}`,
        security: [],
        requestBody: {
          required: true,
          content: {
            'application/x-www-form-urlencoded': {
              schema: tokenRequestSchema,
              example: { grant_type: 'client_credentials', client_id: CLIENT_ID, client_secret: 'local-demo-secret' },
            },
          },
        },
        responses: {
          200: {
            description: 'A token.',
            headers: z.object({ 'cache-control': z.literal('no-store'), pragma: z.literal('no-cache') }),
            content: json(tokenSchema, {
              access_token: 'MTc2NzIyNTY2MDAwMA.7a0Xq0iN6uU',
              token_type: 'Bearer',
              expires_in: TOKEN_SECONDS,
              scope: SCOPE,
            }),
          },
          ...always,
          ...problems(413),
          400: {
            description:
              'The request is malformed, its scope is unknown, its grant type is unsupported, or the body is not UTF-8.',
            content: { ...json(tokenErrorSchema), ...problems(400)['400']?.content },
          },
          401: {
            description: 'The client is unknown, or its secret is wrong.',
            headers: challenge,
            content: json(tokenErrorSchema),
          },
          415: { ...problems(415)['415'], description: 'The Content-Type is not a form, or the body is compressed.' },
          ...failure,
        },
      },
    },
    '/providers/reports': {
      post: {
        operationId: 'postReport',
        tags: ['Reports'],
        summary: 'Order a report on a tax id',
        description: `Nothing is stored: a repeated order gets another id, but the same report. ${FAILS}`,
        security: withToken,
        requestParams: {
          header: z.object({
            'idempotency-key': z
              .string()
              .min(1)
              .max(255)
              .meta({ description: 'Must be the same for every attempt of one order.', examples: ['order-1'] }),
          }),
        },
        requestBody: { required: true, content: json(reportOrderSchema, { taxId: '12345678901' }) },
        responses: {
          202: {
            description: 'The report is ordered. Location is its URL.',
            headers: z.object({
              location: z.string().meta({ description: 'Path of the report, relative to this API.' }),
              'retry-after': retryAfter,
            }),
            content: json(orderedSchema, { id: REPORT_ID, status: 'QUEUED' }),
            links: { report: { operationId: 'getReport', parameters: { reportId: '$response.body#/id' } } },
          },
          ...always,
          ...problems(413, 415),
          400: {
            ...problems(400)['400'],
            description: 'The idempotency-key is missing, or the body is empty, not UTF-8 or not JSON.',
          },
          ...unauthorized,
          ...failure,
        },
      },
    },
    '/providers/reports/{reportId}': {
      get: {
        operationId: 'getReport',
        tags: ['Reports'],
        summary: 'Get a report, or its progress',
        description: `QUEUED for one second, RUNNING for another, then DONE, or REJECTED for the tax id 0000. ${FAILS}`,
        security: withToken,
        requestParams: { path: z.object({ reportId }) },
        responses: {
          200: {
            description: 'The report.',
            headers: z.object({ 'retry-after': retryAfter.optional() }),
            content: json(reportSchema, {
              id: REPORT_ID,
              status: 'DONE',
              report: { creditScore: 712, rating: 'B', openLoans: 2 },
            }),
          },
          ...always,
          ...problems(404),
          ...unauthorized,
          ...failure,
        },
      },
    },
    ...docsPaths,
  },
});

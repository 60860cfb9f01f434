import { VERSION } from '@boomerang/core/version.ts';
import * as z from 'zod';
import { createDocument } from 'zod-openapi';
import { docsPaths, json, problems } from './shared.ts';

const billSchema = z.object({ billedOn: z.iso.datetime(), amount: z.number() }).meta({ id: 'Bill' });

/** The mock third parties. */
export const providersApi = createDocument({
  openapi: '3.1.1',
  info: {
    title: 'Boomerang providers API',
    version: VERSION,
    description: 'Third parties to try Boomerang with. They fail on purpose.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/' }],
  security: [],
  paths: {
    '/providers': {
      get: {
        operationId: 'listProviders',
        summary: 'The ids of the providers.',
        security: [],
        responses: { 200: { description: 'The ids.', content: json(z.array(z.string())) }, ...problems(500) },
      },
    },
    '/providers/{providerId}': {
      get: {
        operationId: 'getBills',
        summary: 'The bills of a provider.',
        security: [],
        requestParams: { path: z.object({ providerId: z.string() }) },
        responses: {
          200: { description: 'The bills.', content: json(z.array(billSchema)) },
          ...problems(404, 503),
          500: { description: 'A failure on purpose.', content: { 'text/plain': { schema: z.literal('#fail') } } },
        },
      },
    },
    ...docsPaths,
  },
});

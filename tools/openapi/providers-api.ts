import { VERSION } from '@boomerang/core/version.ts';
import * as z from 'zod';
import { createDocument } from 'zod-openapi';
import { always, docsPaths, json, problems } from './shared.ts';

const billSchema = z
  .object({
    billedOn: z.iso.datetime().meta({ description: 'ISO 8601, UTC.' }),
    amount: z.number().meta({ description: 'In the currency of the account.' }),
  })
  .meta({ id: 'Bill', description: 'A bill of a customer.' });

const pathOfProvider = z.object({
  providerId: z
    .string()
    .min(1)
    .meta({ description: 'One of `GET /providers`.', examples: ['gas'] }),
});

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
  tags: [
    { name: 'Providers', description: 'The mock third parties.' },
    { name: 'Operation', description: 'The API about itself.' },
  ],
  paths: {
    '/providers': {
      get: {
        operationId: 'listProviders',
        tags: ['Providers'],
        summary: 'List the ids of the providers',
        security: [],
        responses: {
          200: { description: 'The ids.', content: json(z.array(z.string()), ['gas', 'internet']) },
          ...always,
        },
      },
    },
    '/providers/{providerId}': {
      get: {
        operationId: 'getBills',
        tags: ['Providers'],
        summary: 'Get the bills of a provider',
        description: 'Fails with the probability `FAILURE_RATE`, and always in a maintenance window.',
        security: [],
        requestParams: { path: pathOfProvider },
        responses: {
          200: {
            description: 'The bills.',
            content: json(z.array(billSchema), [{ billedOn: '2020-04-07T15:03:14.257Z', amount: 22.27 }]),
          },
          ...always,
          ...problems(404),
          500: {
            description: 'A failure, on purpose or our own.',
            content: { 'text/plain': { schema: z.literal('#fail') }, ...problems(500)['500']?.content },
          },
        },
      },
    },
    ...docsPaths,
  },
});

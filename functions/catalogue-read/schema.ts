import * as z from 'zod';

/** `half_open`: after an outage, a single probe is allowed. */
export const CIRCUIT_STATES = ['closed', 'open', 'half_open'] as const;

const offeredProviderSchema = z
  .object({
    id: z.string().meta({ description: 'The id that jobs use.' }),
    title: z.string().optional(),
    description: z.string().optional(),
    parameters: z.record(z.string(), z.unknown()).optional().meta({
      description:
        'The parameters of the provider, as a JSON Schema (2020-12) of an object; absent if there are none. `writeOnly` values are sent to the provider and never returned.',
    }),
    circuit: z.enum(CIRCUIT_STATES).optional().meta({
      description:
        'The state of the circuit breaker: `closed` allows calls; `open` defers them after repeated failures; `half_open` allows a single probe. Absent while the state is unknown.',
    }),
    recentCalls: z
      .object({
        calls: z
          .int()
          .min(0)
          .meta({ description: 'Calls that were counted. Above 500 in a window, they are an estimate.' }),
        failures: z
          .int()
          .min(0)
          .meta({ description: 'Those that failed because the provider was unavailable. Refusals do not count.' }),
        since: z.iso.datetime().optional().meta({
          description: 'When the counts begin. Absent if no call has failed recently: calls are then not counted.',
        }),
      })
      .optional()
      .meta({
        description:
          'Calls to the provider in the current and the previous window of its circuit breaker (a minute each by default). Counting begins about 20 seconds after a failure, and ends when no other has followed for half a window or longer. Absent while the counts are unknown.',
      }),
  })
  .meta({ id: 'OfferedProvider', description: 'A provider that jobs can use.' });

/** The providers that jobs can use. */
export const catalogueSchema = z
  .object({ providers: z.array(offeredProviderSchema) })
  .meta({ id: 'Catalogue', description: 'The providers that jobs can use.' });

export type OfferedProvider = z.infer<typeof offeredProviderSchema>;

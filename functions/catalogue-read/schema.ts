import * as z from 'zod';

/** `half_open`: after an outage, a single call asks whether it is over. */
export const CIRCUIT_STATES = ['closed', 'open', 'half_open'] as const;

const offeredProviderSchema = z
  .object({
    id: z.string().meta({ description: 'What jobs name it by.' }),
    title: z.string().optional(),
    description: z.string().optional(),
    parameters: z.record(z.string(), z.unknown()).optional().meta({
      description:
        'What a job may give it, as JSON Schema (2020-12) of an object; absent where it takes nothing. What is `writeOnly` is sent to the provider and never shown.',
    }),
    circuit: z.enum(CIRCUIT_STATES).optional().meta({
      description:
        'Whether calls go out to it: `open` defers them, for it was failing; `half_open` lets one through to see. Absent while that can not be told.',
    }),
  })
  .meta({ id: 'OfferedProvider', description: 'A provider that jobs may name.' });

/** What callers may ask for. */
export const catalogueSchema = z
  .object({ providers: z.array(offeredProviderSchema) })
  .meta({ id: 'Catalogue', description: 'What jobs may ask for.' });

export type OfferedProvider = z.infer<typeof offeredProviderSchema>;

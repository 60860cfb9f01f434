/**
 * Version of the state machine's payloads. Older readers ignore unknown fields (docs/decisions/0015). Parameters and metadata
 * must not be ignored, so jobs that have them carry a version that older readers reject.
 */
export const PAYLOAD_VERSION = 3;

/** The version of jobs without parameters and metadata, which the previous release can read. */
export const PLAIN_PAYLOAD_VERSION = 2;

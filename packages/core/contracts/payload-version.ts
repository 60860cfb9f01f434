/**
 * Version of the payloads that travel through the state machine. New fields are optional and ignored by readers that do not know
 * them (docs/decisions/0015), so a job whose parameters or metadata must not be ignored carries a version that older readers refuse.
 */
export const PAYLOAD_VERSION = 3;

/** The version of jobs without parameters and metadata: the release before reads them as this one does. */
export const PLAIN_PAYLOAD_VERSION = 2;

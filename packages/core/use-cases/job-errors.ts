/** The client has no such job. */
export class JobNotFound extends Error {
  override name = 'JobNotFound';

  constructor() {
    super('no such job');
  }
}

/** An execution holds the job. */
export class JobInProgress extends Error {
  override name = 'JobInProgress';
  /** The longest time that the execution may still hold the job, milliseconds. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number, options?: ErrorOptions) {
    super('the job is in progress', options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The job's parameters or metadata were deleted, so its provider requests and its callback can't be rebuilt. */
export class InputDeleted extends Error {
  override name = 'InputDeleted';

  constructor() {
    super('its parameters or metadata were deleted');
  }
}

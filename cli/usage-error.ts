/** Invalid arguments. The message says why. */
export class UsageError extends Error {
  override name = 'UsageError';
}

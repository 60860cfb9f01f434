import { signal } from '@preact/signals';
import { ApiError, createApi } from './api.ts';
import type { Me } from './api-types.ts';
import { BASE, signIn, signInNote } from './store.ts';

/** Whether a key is being checked. */
export const isChecking = signal(false);

/** Signs in if the API accepts the key; otherwise the sign-in page shows why not. */
export const tryKey = async (key: string): Promise<void> => {
  isChecking.value = true;
  signInNote.value = undefined;
  try {
    signIn(key, await createApi({ base: BASE, key, onUnauthorized: () => {} }).get<Me>('/me'));
  } catch (error) {
    signInNote.value = explain(error);
  } finally {
    isChecking.value = false;
  }
};

const explain = (error: unknown): string => {
  if (error instanceof ApiError && error.status === 401)
    return 'This key is unknown or was revoked. Check that you copied all of it.';
  return error instanceof Error ? error.message : String(error);
};

import { computed, effect, signal } from '@preact/signals';
import { type Api, createApi } from './api.ts';
import type { Client, Me } from './api-types.ts';

/** State of the whole console. State of a single page is in its component, by `useSignal` and `useResource`. */

const API_KEY = 'boomerang.key';
const VIEW_AS = 'boomerang.view-as';
const THEME = 'boomerang.theme';

/** The API key. It is stored only in this tab's session storage. */
export const apiKey = signal(sessionStorage.getItem(API_KEY) ?? undefined);
/** Why the last session ended, for the sign-in page. */
export const signInNote = signal<string | undefined>(undefined);
/** The client that signed in; undefined until `GET /me` has answered. */
export const me = signal<Me | undefined>(undefined);

export type ViewAs = Pick<Client, 'clientId' | 'name'>;
/** The client that an operator views the console as. */
export const viewAs = signal(readViewAs());

function readViewAs(): ViewAs | undefined {
  const text = sessionStorage.getItem(VIEW_AS);
  return text === null ? undefined : JSON.parse(text);
}

export const BASE = location.href.replace(/[?#].*$/, '').replace(/\/console\/?$/, '');

/** Undefined while signed out. Replaced when the key or the viewed client changes, which mounts the pages again. */
export const api = computed<Api | undefined>(() => {
  if (apiKey.value === undefined) return undefined;
  return createApi({ base: BASE, key: apiKey.value, clientId: viewAs.value?.clientId, onUnauthorized });
});

const onUnauthorized = (): void => signOut('Your API key no longer works: it is unknown or was revoked.');

export const signIn = (newKey: string, caller: Me): void => {
  sessionStorage.setItem(API_KEY, newKey);
  signInNote.value = undefined;
  me.value = caller;
  apiKey.value = newKey;
};

export const signOut = (note?: string): void => {
  sessionStorage.removeItem(API_KEY);
  stopViewingAs();
  me.value = undefined;
  signInNote.value = note;
  apiKey.value = undefined;
};

export const startViewingAs = ({ clientId, name }: ViewAs): void => {
  sessionStorage.setItem(VIEW_AS, JSON.stringify({ clientId, name }));
  viewAs.value = { clientId, name };
};

export const stopViewingAs = (): void => {
  sessionStorage.removeItem(VIEW_AS);
  viewAs.value = undefined;
};

export type Theme = 'auto' | 'light' | 'dark';
export const theme = signal((localStorage.getItem(THEME) ?? 'auto') as Theme);
effect(() => {
  document.documentElement.dataset.theme = theme.value;
  if (theme.value === 'auto') localStorage.removeItem(THEME);
  else localStorage.setItem(THEME, theme.value);
});

/** Whether the browser shows the page. */
export const isVisible = signal(document.visibilityState === 'visible');
document.addEventListener('visibilitychange', () => {
  isVisible.value = document.visibilityState === 'visible';
});

/** The current time, updated once a second while the page is visible. */
export const now = signal(Date.now());
effect(() => {
  if (!isVisible.value) return undefined;
  now.value = Date.now();
  const timer = setInterval(() => {
    now.value = Date.now();
  }, 1000);
  return () => clearInterval(timer);
});

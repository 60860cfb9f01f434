import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { ApiError } from '../api.ts';

type Toast = { id: number; kind: 'good' | 'bad'; content: ComponentChildren };
const toasts = signal<Toast[]>([]);
const SHOWN_MS = 6000;
let lastId = 0;

/** Shows the outcome of an action; screen readers announce it. Errors stay until they are closed. */
export const toast = (content: ComponentChildren, kind: Toast['kind'] = 'good'): void => {
  lastId += 1;
  const id = lastId;
  toasts.value = [...toasts.value.slice(-3), { id, kind, content }];
  if (kind === 'good') setTimeout(() => close(id), SHOWN_MS);
};

/** Shows why an action failed. */
export const toastError = (error: unknown): void =>
  toast(error instanceof ApiError ? error.message : `Something went wrong: ${String(error)}`, 'bad');

const close = (id: number): void => {
  toasts.value = toasts.value.filter((one) => one.id !== id);
};

export const Toasts = () => (
  <div class="toasts" role="status" aria-live="polite">
    {toasts.value.map(({ id, kind, content }) => (
      <div key={id} class={`toast toast-${kind}`}>
        <span>{content}</span>
        <button type="button" class="toast-close" aria-label="Close message" onClick={() => close(id)}>
          ×
        </button>
      </div>
    ))}
  </div>
);

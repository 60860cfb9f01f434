import { isHelpOpen } from './help-state.ts';
import { navigate, route } from './navigation.ts';
import { refreshAll } from './resource.ts';
import { hrefTo } from './router.ts';
import { api } from './store.ts';

/**
 * Shortcuts of every page. Rows that `j` and `k` move between carry `data-row` on a focusable element; `x` clicks the
 * checkbox in the same table row. The search field carries `data-search`.
 */
export const handleKey = (event: KeyboardEvent): void => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!api.peek() || document.querySelector('dialog[open]') || isTyping(event.target)) return;
  const act = ACTIONS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
};

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.matches('input:not([type=checkbox]), textarea, select, [contenteditable]');

const focusSearch = (): void => {
  const field = document.querySelector<HTMLInputElement>('[data-search]');
  if (field) field.focus();
  else if (route.peek().page !== 'jobs') navigate(hrefTo('/jobs', { focus: 'search' }));
};

const rows = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('[data-row]')];

/** Moves to the next or previous row; from outside the rows, to the first or last one. */
const move = (step: 1 | -1): void => {
  const all = rows();
  const current = document.activeElement?.closest('tr')?.querySelector<HTMLElement>('[data-row]') ?? null;
  const index = current ? all.indexOf(current) : -1;
  const outermost = step === 1 ? 0 : all.length - 1;
  const next = all[index === -1 ? outermost : index + step];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
};

const select = (): void =>
  document.activeElement?.closest('tr')?.querySelector<HTMLInputElement>('input[type=checkbox]')?.click();

const ACTIONS: Record<string, () => void> = {
  '/': focusSearch,
  j: () => move(1),
  k: () => move(-1),
  x: select,
  r: refreshAll,
  '?': () => {
    isHelpOpen.value = true;
  },
};

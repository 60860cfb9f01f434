import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';

/** Runs one action at a time: while one runs, further ones are dropped, so that a double click acts once. */
export const useAction = () => {
  const running = useSignal(false);
  const run = useRef(async (action: () => Promise<void>): Promise<void> => {
    if (running.peek()) return;
    running.value = true;
    try {
      await action();
    } finally {
      running.value = false;
    }
  });
  return { isRunning: running.value, run: run.current };
};

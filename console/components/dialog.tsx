import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Button } from './button.tsx';

/** A modal dialog. Escape closes it, and the focus returns to where it was (both by the browser). */
export const Dialog = ({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}) => {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={element} class="dialog" aria-labelledby="dialog-title" onClose={onClose}>
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
};

type Question = {
  title: string;
  body?: ComponentChildren;
  /** The button's text, for example `Delete data`. */
  action: string;
  danger?: boolean;
};
const asked = signal<(Question & { answer: (yes: boolean) => void }) | undefined>(undefined);

/** Asks before an action. @returns whether the answer is yes */
export const confirm = (question: Question): Promise<boolean> =>
  new Promise((resolve) => {
    asked.value = {
      ...question,
      answer: (yes) => {
        asked.value = undefined;
        resolve(yes);
      },
    };
  });

/** Shows the question of `confirm`; once, in the app. */
export const ConfirmDialog = () => {
  const question = asked.value;
  if (!question) return null;
  return (
    <Dialog title={question.title} onClose={() => question.answer(false)}>
      <div class="dialog-body">{question.body}</div>
      <div class="dialog-actions">
        <Button kind="quiet" onClick={() => question.answer(false)}>
          Back
        </Button>
        <Button kind={question.danger ? 'danger' : 'primary'} onClick={() => question.answer(true)}>
          {question.action}
        </Button>
      </div>
    </Dialog>
  );
};

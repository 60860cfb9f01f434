import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Button } from './button.tsx';

/** A modal dialog. The browser closes it on Escape, and returns the focus. */
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
const currentQuestion = signal<(Question & { answer: (yes: boolean) => void }) | undefined>(undefined);

/** Asks before an action. @returns whether the answer is yes */
export const confirm = (question: Question): Promise<boolean> =>
  new Promise((resolve) => {
    currentQuestion.value = {
      ...question,
      answer: (yes) => {
        currentQuestion.value = undefined;
        resolve(yes);
      },
    };
  });

/** Shows the question of `confirm`. The app renders it once. */
export const ConfirmDialog = () => {
  const question = currentQuestion.value;
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

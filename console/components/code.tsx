import { useSignal } from '@preact/signals';
import { Button } from './button.tsx';

/** Copies a text, and confirms it. */
export const CopyButton = ({
  text,
  label = 'Copy',
}: {
  text: string | (() => string | Promise<string>);
  label?: string;
}) => {
  const isCopied = useSignal(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(typeof text === 'string' ? text : await text());
    isCopied.value = true;
    setTimeout(() => {
      isCopied.value = false;
    }, 1500);
  };
  return (
    <Button kind="quiet" onClick={() => void copy()}>
      <span aria-live="polite">{isCopied.value ? 'Copied' : label}</span>
    </Button>
  );
};

/** A block of code with a button to copy it. */
export const Code = ({ text, label }: { text: string; label: string }) => (
  <div class="code">
    {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the block scrolls, so the keyboard must reach it */}
    <section class="code-text" tabIndex={0} aria-label={label}>
      <pre>
        <code>{text}</code>
      </pre>
    </section>
    <CopyButton text={text} />
  </div>
);

import type { ComponentChildren } from 'preact';

export type ButtonProps = {
  children: ComponentChildren;
  onClick?: () => void;
  kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  type?: 'button' | 'submit';
  disabled?: boolean;
  /** An action is running: the button can't be pressed again. */
  busy?: boolean;
  title?: string;
  label?: string;
};

export const Button = ({
  children,
  onClick,
  kind = 'plain',
  type = 'button',
  disabled,
  busy,
  title,
  label,
}: ButtonProps) => (
  <button
    type={type}
    class={`button button-${kind}`}
    onClick={busy ? undefined : onClick}
    disabled={disabled}
    aria-busy={busy}
    aria-disabled={busy}
    title={title}
    aria-label={label}
  >
    {children}
  </button>
);

/** A link that looks like a button. */
export const LinkButton = ({
  href,
  kind = 'plain',
  children,
}: {
  href: string;
  kind?: ButtonProps['kind'];
  children: ComponentChildren;
}) => (
  <a class={`button button-${kind}`} href={href}>
    {children}
  </a>
);

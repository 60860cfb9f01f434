import { Button } from './components/button.tsx';
import { Dialog } from './components/dialog.tsx';
import { isHelpOpen } from './help-state.ts';

const KEYS: [string, string][] = [
  ['/', 'Search for a job'],
  ['j', 'Next row'],
  ['k', 'Previous row'],
  ['Enter', 'Open the row'],
  ['x', 'Select the row'],
  ['r', 'Refresh now'],
  ['?', 'This help'],
  ['Esc', 'Close a dialog'],
];

export const HelpDialog = () => {
  if (!isHelpOpen.value) return null;
  const close = (): void => {
    isHelpOpen.value = false;
  };
  return (
    <Dialog title="Keyboard shortcuts" onClose={close}>
      <dl class="keys">
        {KEYS.map(([name, text]) => (
          <div key={name}>
            <dt>
              <kbd>{name}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <p class="faint">Times are in the time zone {Intl.DateTimeFormat().resolvedOptions().timeZone}.</p>
      <div class="dialog-actions">
        <Button kind="primary" onClick={close}>
          Close
        </Button>
      </div>
    </Dialog>
  );
};

import { useSignal } from '@preact/signals';
import { Button } from '../components/button.tsx';
import { Mark } from '../components/icons.tsx';
import { isChecking, tryKey } from '../sign-in.ts';
import { signInNote } from '../store.ts';

export const SignInPage = () => {
  const text = useSignal('');
  const submit = (event: Event): void => {
    event.preventDefault();
    const key = text.value.trim();
    if (key === '') signInNote.value = 'Enter an API key.';
    else void tryKey(key);
  };
  return (
    <main class="sign-in">
      <form class="sign-in-card" onSubmit={submit}>
        <div class="brand">
          <Mark />
          <span>Boomerang</span>
        </div>
        <h1>Sign in to the console</h1>
        <label for="api-key">API key</label>
        <input
          id="api-key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          autofocus
          value={text}
          aria-invalid={signInNote.value !== undefined}
          aria-describedby="sign-in-note"
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
        <p id="sign-in-note" class="field-error" role="alert">
          {signInNote}
        </p>
        <Button type="submit" kind="primary" busy={isChecking.value}>
          {isChecking.value ? 'Checking…' : 'Sign in'}
        </Button>
        <p class="faint">
          The key stays in this tab and is forgotten when you sign out or close the tab. <code>npm start</code> prints
          the key of the local client; <code>npm run clients -- create</code> makes a new one.
        </p>
      </form>
    </main>
  );
};

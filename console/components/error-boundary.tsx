import { Component, type ComponentChildren } from 'preact';
import { Button } from './button.tsx';

/** Shows an error instead of a blank page if rendering fails. A class, because Preact's core has no hook for this. */
export class ErrorBoundary extends Component<{ children?: ComponentChildren }, { error: unknown }> {
  override state = { error: undefined };

  static override getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === undefined) return this.props.children;
    return (
      <div class="empty" role="alert">
        <h1 tabIndex={-1}>This page could not be shown</h1>
        <p>{String(this.state.error)}</p>
        <Button onClick={() => this.setState({ error: undefined })}>Try again</Button>
      </div>
    );
  }
}

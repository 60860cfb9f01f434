/** What the tests use of it; the package comes without types. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  type Token = { scope?: string; aud?: string; clientId: string; isExpired: boolean; destroy: () => Promise<void> };

  export default class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>);
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    on(event: string, listener: (context: unknown, error?: Error) => void): this;
    ClientCredentials: { find(value: string): Promise<Token | undefined> };
  }
}

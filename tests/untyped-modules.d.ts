/** Types of the parts of untyped packages that the tests use. */

declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  type Token = { scope?: string; aud?: string; clientId: string; destroy: () => Promise<void> };

  export default class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>);
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    ClientCredentials: { find(value: string): Promise<Token | undefined> };
  }
}

declare module 'http-link-header' {
  export default class LinkHeader {
    static parse(field: string): LinkHeader;
    refs: { uri: string; rel: string }[];
  }
}

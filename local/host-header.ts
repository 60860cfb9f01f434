import type { IncomingHttpHeaders } from 'node:http';

/** A host of this machine's own, with or without a port. */
const LOOPBACK = /^(?:localhost|[\w-]+(?:\.[\w-]+)*\.localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/** What containers call the machine they run on (Docker, Podman); nobody else can register these names. */
const FROM_CONTAINERS = /^host\.(?:docker|containers)\.internal(?::\d{1,5})?$/i;

/**
 * Whether a request was addressed to this machine. A page whose name was made to resolve to 127.0.0.1 (DNS rebinding) sends its
 * own name; browsers always send one, so a request without it (HTTP/1.0) is from something else.
 */
export const isForThisMachine = ({ host }: IncomingHttpHeaders): boolean =>
  host === undefined || LOOPBACK.test(host) || FROM_CONTAINERS.test(host);

/** Whether a request was addressed to exactly this port of loopback. */
export const isForPort = ({ host }: IncomingHttpHeaders, port: number | undefined): boolean =>
  host !== undefined && [`127.0.0.1:${port}`, `localhost:${port}`].includes(host.toLowerCase());

/** Whether a browser sent it for a page, or says which page wants to send it. */
export const isFromPage = (headers: IncomingHttpHeaders): boolean =>
  headers.origin !== undefined || Object.keys(headers).some((name) => name.startsWith('sec-fetch-'));

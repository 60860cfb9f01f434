import type { IncomingHttpHeaders } from 'node:http';

/** A loopback host, with or without a port. */
const LOOPBACK = /^(?:localhost|[\w-]+(?:\.[\w-]+)*\.localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/** The names of this machine inside containers (Docker, Podman). `.internal` can't be registered in public DNS. */
const FROM_CONTAINERS = /^host\.(?:docker|containers)\.internal(?::\d{1,5})?$/i;

/**
 * Whether the Host header names this machine. Requests of web pages whose domain resolves to 127.0.0.1 (DNS rebinding) carry
 * that domain. Browsers always send Host, so a request without it (HTTP/1.0) is not from a browser.
 */
export const isForThisMachine = ({ host }: IncomingHttpHeaders): boolean =>
  host === undefined || LOOPBACK.test(host) || FROM_CONTAINERS.test(host);

/** Whether the Host header is exactly this loopback port. */
export const isForPort = ({ host }: IncomingHttpHeaders, port: number | undefined): boolean =>
  host !== undefined && [`127.0.0.1:${port}`, `localhost:${port}`].includes(host.toLowerCase());

/** Whether a browser sent the request on behalf of a web page. */
export const isFromPage = (headers: IncomingHttpHeaders): boolean =>
  headers.origin !== undefined || Object.keys(headers).some((name) => name.startsWith('sec-fetch-'));

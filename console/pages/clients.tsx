import type { PageProps } from './page.ts';

export const ClientsPage = (_: PageProps) => <h1 tabIndex={-1}>Clients</h1>;

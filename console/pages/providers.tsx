import type { PageProps } from './page.ts';

export const ProvidersPage = (_: PageProps) => <h1 tabIndex={-1}>Providers</h1>;

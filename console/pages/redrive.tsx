import type { PageProps } from './page.ts';

export const RedrivePage = (_: PageProps) => <h1 tabIndex={-1}>Redrive</h1>;

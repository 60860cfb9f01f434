import type { PageProps } from './page.ts';

export const RedrivesPage = (_: PageProps) => <h1 tabIndex={-1}>Redrives</h1>;

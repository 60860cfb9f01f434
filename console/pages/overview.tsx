import type { PageProps } from './page.ts';

export const OverviewPage = (_: PageProps) => <h1 tabIndex={-1}>Overview</h1>;

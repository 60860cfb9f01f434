import type { PageProps } from './page.ts';

export const JobsPage = (_: PageProps) => <h1 tabIndex={-1}>Jobs</h1>;

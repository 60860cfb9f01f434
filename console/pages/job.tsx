import type { PageProps } from './page.ts';

export const JobPage = (_: PageProps) => <h1 tabIndex={-1}>Job</h1>;

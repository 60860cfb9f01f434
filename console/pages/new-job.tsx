import type { PageProps } from './page.ts';

export const NewJobPage = (_: PageProps) => <h1 tabIndex={-1}>NewJob</h1>;

/** What JSX is compiled to, imported into each file by tools/console/build.ts. */
export { Fragment, h } from 'preact';

import type { JSX } from 'preact';

const Icon = ({ children }: { children: JSX.Element | JSX.Element[] }) => (
  <svg
    class="icon"
    viewBox="0 0 20 20"
    width="20"
    height="20"
    fill="none"
    stroke="currentColor"
    stroke-width="1.6"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    {children}
  </svg>
);

export const OverviewIcon = () => (
  <Icon>
    <path d="M3 16.5h14M5.5 13V9.5M10 13V4M14.5 13V7" />
  </Icon>
);
export const JobsIcon = () => (
  <Icon>
    <path d="M3.5 5.5h2M8.5 5.5h8M3.5 10h2M8.5 10h8M3.5 14.5h2M8.5 14.5h8" />
  </Icon>
);
export const ProvidersIcon = () => (
  <Icon>
    <path d="M7 3v4M13 3v4M5 7h10v3a5 5 0 0 1-10 0zM10 15v3" />
  </Icon>
);
export const NewJobIcon = () => (
  <Icon>
    <path d="M10 4v12M4 10h12" />
  </Icon>
);
export const RedrivesIcon = () => (
  <Icon>
    <path d="M16 10a6 6 0 1 1-1.8-4.3M16 3v3.5h-3.5" />
  </Icon>
);
export const ClientsIcon = () => (
  <Icon>
    <path d="M7.5 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 16.5c0-2.8 2.2-4.5 5-4.5s5 1.7 5 4.5M13 4.3a3 3 0 0 1 0 5.4M14.5 12.3c1.8.6 3 2.1 3 4.2" />
  </Icon>
);
export const GoodIcon = () => (
  <Icon>
    <path d="M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15zM6.8 10.2l2.2 2.2 4.2-4.6" />
  </Icon>
);
export const WarnIcon = () => (
  <Icon>
    <path d="M10 3 2.5 16.5h15zM10 8.5v3.5M10 14.4v.1" />
  </Icon>
);
export const BadIcon = () => (
  <Icon>
    <path d="M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15zM10 6v4.8M10 13.6v.1" />
  </Icon>
);
export const SearchIcon = () => (
  <Icon>
    <path d="M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM13 13l4 4" />
  </Icon>
);
export const ThemeIcon = () => (
  <Icon>
    <path d="M10 17.5a7.5 7.5 0 1 0 0-15v15z" fill="currentColor" />
    <path d="M10 2.5a7.5 7.5 0 0 0 0 15" />
  </Icon>
);

/** The boomerang of the logo. */
export const Mark = () => (
  <svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
    <path
      d="M3.2 19.6C2.4 12 7.1 4.3 19 3.2c1.9-.2 2.6 2.3.9 3.2-6 3-9.200 6.900-11 13-.9 2.800-5.400 2.900-5.700.2z"
      fill="currentColor"
    />
  </svg>
);

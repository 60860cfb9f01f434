import type { JSX } from 'preact';
import { formatClock, formatCountdown } from '../format.ts';
import { isHelpOpen } from '../help-state.ts';
import { route } from '../navigation.ts';
import { isLive, outage, refreshAll } from '../resource.ts';
import { hrefTo, type PageName } from '../router.ts';
import { isVisible, me, now, signOut, stopViewingAs, type Theme, theme, viewAs } from '../store.ts';
import { Button } from './button.tsx';
import {
  ClientsIcon,
  JobsIcon,
  Mark,
  NewJobIcon,
  OverviewIcon,
  ProvidersIcon,
  RedrivesIcon,
  ThemeIcon,
} from './icons.tsx';

type Entry = { title: string; path: string; pages: PageName[]; Icon: () => JSX.Element };
const ENTRIES: Entry[] = [
  { title: 'Overview', path: '/', pages: ['overview'], Icon: OverviewIcon },
  { title: 'Jobs', path: '/jobs', pages: ['jobs', 'job'], Icon: JobsIcon },
  { title: 'Redrives', path: '/redrives', pages: ['redrives', 'redrive'], Icon: RedrivesIcon },
  { title: 'Providers', path: '/providers', pages: ['providers'], Icon: ProvidersIcon },
  { title: 'New job', path: '/new', pages: ['new-job'], Icon: NewJobIcon },
];
const CLIENTS: Entry = { title: 'Clients', path: '/clients', pages: ['clients'], Icon: ClientsIcon };

/** Navigation, the live indicator, and the signed-in client. */
export const Header = () => {
  const entries = me.value?.isOperator ? [...ENTRIES, CLIENTS] : ENTRIES;
  const { page } = route.value;
  return (
    <>
      <header class="side">
        <a class="brand" href="#/" aria-label="Boomerang: overview">
          <Mark />
          <span>Boomerang</span>
        </a>
        <nav class="nav" aria-label="Pages">
          {entries.map(({ title, path, pages, Icon }) => (
            <a key={path} href={hrefTo(path)} class="nav-link" aria-current={pages.includes(page) ? 'page' : undefined}>
              <Icon />
              <span>{title}</span>
            </a>
          ))}
        </nav>
        <div class="side-end">
          <Live />
          <div class="who">
            <span class="who-name" title={me.value?.clientId}>
              {me.value?.name ?? '…'}
              {me.value?.isOperator && <span class="tag">operator</span>}
            </span>
            <div class="who-actions">
              <ThemeButton />
              <Button
                kind="quiet"
                label="Keyboard shortcuts"
                title="Keyboard shortcuts (?)"
                onClick={() => {
                  isHelpOpen.value = true;
                }}
              >
                ?
              </Button>
              <Button kind="quiet" onClick={() => signOut()}>
                Sign out
              </Button>
            </div>
          </div>
        </div>
      </header>
      <ViewedClient />
    </>
  );
};

/** Names the client that an operator views the console as. */
const ViewedClient = () => {
  if (!viewAs.value) return null;
  return (
    <div class="viewing" role="status">
      <span>
        Viewing as <strong>{viewAs.value.name}</strong>: what you do here is done to this client's jobs.
      </span>
      <Button onClick={stopViewingAs}>Leave</Button>
    </div>
  );
};

const NEXT_THEME: Record<Theme, Theme> = { auto: 'dark', dark: 'light', light: 'auto' };

const ThemeButton = () => (
  <Button
    kind="quiet"
    label={`Colors: ${theme.value}. Change to ${NEXT_THEME[theme.value]}.`}
    title={`Colors: ${theme.value}`}
    onClick={() => {
      theme.value = NEXT_THEME[theme.value];
    }}
  >
    <ThemeIcon />
  </Button>
);

const Live = () => {
  const failing = outage.value;
  if (failing) {
    const left = Math.max(0, failing.retryAt - now.value);
    return (
      <button type="button" class="live live-bad" onClick={refreshAll} title="Try now">
        <span class="live-dot" />
        <span>
          <span role="status">No response since {formatClock(new Date(failing.since).toISOString())}</span>, next try in{' '}
          <span class="number">{formatCountdown(left)}</span>
        </span>
      </button>
    );
  }
  const activity = isLive.value ? 'Live' : 'Idle';
  return (
    <button type="button" class={`live ${isLive.value ? 'live-on' : ''}`} onClick={refreshAll} title="Refresh now (r)">
      <span class="live-dot" />
      <span>{isVisible.value ? activity : 'Paused'}</span>
    </button>
  );
};

import { useEffect, useRef } from 'preact/hooks';
import type { Api } from './api.ts';
import type { Me } from './api-types.ts';
import { ConfirmDialog } from './components/dialog.tsx';
import { ErrorBoundary } from './components/error-boundary.tsx';
import { Header } from './components/header.tsx';
import { EmptyState } from './components/states.tsx';
import { Toasts } from './components/toast.tsx';
import { HelpDialog } from './help.tsx';
import { route } from './navigation.ts';
import { ClientsPage } from './pages/clients.tsx';
import { JobPage } from './pages/job.tsx';
import { JobsPage } from './pages/jobs.tsx';
import { NewJobPage } from './pages/new-job.tsx';
import { OverviewPage } from './pages/overview.tsx';
import type { PageProps } from './pages/page.ts';
import { ProvidersPage } from './pages/providers.tsx';
import { RedrivePage } from './pages/redrive.tsx';
import { RedrivesPage } from './pages/redrives.tsx';
import { SignInPage } from './pages/sign-in.tsx';
import type { PageName } from './router.ts';
import { api, apiKey, me, viewAs } from './store.ts';

const UnknownPage = () => (
  <>
    <h1 tabIndex={-1}>Not found</h1>
    <EmptyState title="There is no such page">
      <p>
        <a href="#/">Go to the overview</a>
      </p>
    </EmptyState>
  </>
);

const PAGES: Record<PageName, (props: PageProps) => preact.JSX.Element> = {
  overview: OverviewPage,
  jobs: JobsPage,
  job: JobPage,
  providers: ProvidersPage,
  'new-job': NewJobPage,
  redrives: RedrivesPage,
  redrive: RedrivePage,
  clients: ClientsPage,
  unknown: UnknownPage,
};

export const App = () => (
  <>
    {api.value ? <Console api={api.value} /> : <SignInPage />}
    <ConfirmDialog />
    <HelpDialog />
    <Toasts />
  </>
);

const Console = ({ api }: { api: Api }) => {
  const { page, path, params } = route.value;
  const Page = PAGES[page];
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    // After a reload, the key is known from the session, but not its client.
    if (me.peek() === undefined) void api.get<Me>('/me').then((caller) => (me.value = caller), ignore);
  }, [api]);
  useEffect(() => {
    const heading = main.current?.querySelector('h1');
    document.title = `${heading?.textContent ?? 'Console'} · Boomerang`;
    if (!isFirst.current) {
      // Some pages focus their search field themselves.
      if (!main.current?.querySelector('input:focus')) heading?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isFirst.current = false;
  }, [path]);
  return (
    <div class="shell">
      {/* A button, because a link to a fragment would change the route. */}
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <Header />
      <main ref={main} id="main" tabIndex={-1} class={`page page-${page}`}>
        <ErrorBoundary key={`${path} ${apiKey.value} ${viewAs.value?.clientId}`}>
          <Page api={api} params={params} />
        </ErrorBoundary>
      </main>
    </div>
  );
};

/** For failures that the polling of the page also reports. */
const ignore = (): void => {};

import type { Api } from '../api.ts';
import type { Catalogue } from '../api-types.ts';
import { curlOf } from '../curl.ts';
import { useResource } from '../resource.ts';
import { BASE, viewAs } from '../store.ts';
import { LinkButton } from './button.tsx';
import { Code } from './code.tsx';
import { EmptyState } from './states.tsx';

/** Shown while there are no jobs. Explains how to post one. */
export const NoJobs = ({ api, title }: { api: Api; title: string }) => {
  const catalogue = useResource<Catalogue>(api, '/catalogue', { everyMs: 0 });
  if (viewAs.value) return <EmptyState title={title} />;
  return (
    <div class="card">
      <EmptyState title={title}>
        <p>A job names the data to collect and the URL to post it to. Put your API key in place of $API_KEY:</p>
        <Code label="How to post a job" text={curlOf(BASE, catalogue.data.value?.providers ?? [])} />
        <LinkButton href="#/new" kind="primary">
          Post one here
        </LinkButton>
      </EmptyState>
    </div>
  );
};

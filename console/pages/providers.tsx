import type { Catalogue, Provider } from '../api-types.ts';
import { LinkButton } from '../components/button.tsx';
import { EmptyState, ErrorState, Skeleton } from '../components/states.tsx';
import { plural } from '../format.ts';
import { fieldsOf } from '../new-job/form.ts';
import { describeRecentCalls } from '../recent-calls.ts';
import { useResource } from '../resource.ts';
import { hrefTo } from '../router.ts';
import type { PageProps } from './page.ts';
import './providers.css';

export const ProvidersPage = ({ api }: PageProps) => {
  const { data, error } = useResource<Catalogue>(api, '/catalogue', { everyMs: 10_000 });
  const providers = data.value?.providers;
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Providers</h1>
        {providers && <Health providers={providers} />}
      </div>
      {providers && <List providers={providers} />}
      {!providers && (error.value ? <ErrorState error={error.value} /> : <Skeleton lines={3} height="8rem" />)}
    </>
  );
};

const Health = ({ providers }: { providers: Provider[] }) => {
  const notClosed = providers.filter(({ circuit }) => circuit === 'open' || circuit === 'half_open').length;
  const text = notClosed === 0 ? 'No circuit is open' : `${plural(notClosed, 'circuit')} not closed`;
  return <span class={`badge badge-${notClosed === 0 ? 'complete' : 'failed'}`}>{text}</span>;
};

/** The order of providers: open circuits first. */
const SEVERITY = { open: 0, half_open: 1, closed: 2 };
const severityOf = ({ circuit = 'closed' }: Provider): number => SEVERITY[circuit];

const List = ({ providers }: { providers: Provider[] }) => {
  if (providers.length === 0) {
    return (
      <EmptyState title="The catalogue is empty">
        <p>Providers are described in the file that PROVIDER_CATALOGUE names.</p>
      </EmptyState>
    );
  }
  return (
    <ul class="providers">
      {providers
        .toSorted((a, b) => severityOf(a) - severityOf(b))
        .map((provider) => (
          <ProviderCard key={provider.id} provider={provider} />
        ))}
    </ul>
  );
};

const CIRCUITS = {
  closed: ['complete', 'Circuit closed', 'Calls are made.'],
  open: ['failed', 'Circuit open', 'Calls are deferred after too many failures; then a single probe is made.'],
  half_open: ['partial', 'Circuit half open', 'A single probe tests whether the provider has recovered.'],
  unknown: ['cancelled', 'Circuit unknown', 'The state of the circuit could not be read.'],
} as const;

const ProviderCard = ({ provider }: { provider: Provider }) => {
  const { id, title, description, circuit, recentCalls } = provider;
  const [tone, state, explanation] = CIRCUITS[circuit ?? 'unknown'];
  const fields = fieldsOf(provider);
  return (
    <li class="card">
      <div class="card-head">
        <h2>
          {title ?? id} {title !== undefined && <span class="mono faint">{id}</span>}
        </h2>
        <span class={`badge badge-${tone}`} title={explanation}>
          {state}
        </span>
      </div>
      <div class="card-body provider-body">
        {description !== undefined && <p>{description}</p>}
        {circuit !== undefined && circuit !== 'closed' && <p class={`outcome tone-${tone}`}>{explanation}</p>}
        {recentCalls && (
          <p class={recentCalls.failures > 0 ? 'outcome tone-warn' : 'faint'}>{describeRecentCalls(recentCalls)}</p>
        )}
        {fields.length === 0 ? (
          <p class="faint">No parameters.</p>
        ) : (
          <dl class="provider-fields">
            {fields.map(({ name, isRequired, description: about, hint, options, fallback, control, schema }) => (
              <div key={name}>
                <dt>
                  <span class="mono">{name}</span>
                  {isRequired && <span class="tag">required</span>}
                  {control === 'password' && <span class="tag">secret</span>}
                </dt>
                <dd>
                  {[
                    about,
                    options.length > 0 ? `one of ${options.join(', ')}` : (hint ?? schema.format ?? schema.type),
                    fallback !== undefined && `default ${fallback}`,
                  ]
                    .filter(Boolean)
                    .join('; ')}
                </dd>
              </div>
            ))}
          </dl>
        )}
        <div class="provider-links">
          <LinkButton href={hrefTo('/new', { provider: id })}>New job</LinkButton>
          <LinkButton kind="quiet" href={hrefTo('/jobs', { providerId: id })}>
            Jobs
          </LinkButton>
          <LinkButton kind="quiet" href={hrefTo('/jobs', { providerId: id, inTrouble: 'true' })}>
            In trouble
          </LinkButton>
        </div>
      </div>
    </li>
  );
};

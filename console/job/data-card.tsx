import { useSignal } from '@preact/signals';
import type { Api } from '../api.ts';
import { ApiError } from '../api.ts';
import type { Job } from '../api-types.ts';
import { Button } from '../components/button.tsx';
import { CopyButton } from '../components/code.tsx';
import { formatBytes, formatCount, formatLocal, plural } from '../format.ts';
import { useAction } from '../use-action.ts';
import { prettyJson } from './pretty-json.ts';

/** Browsers render longer text slowly. */
const MAX_SHOWN_CHARACTERS = 100_000;

type LoadedData = { text: string; updatedAt: string };

export const DataCard = ({ api, job }: { api: Api; job: Job }) => {
  const loaded = useSignal<LoadedData | undefined>(undefined);
  const error = useSignal<string | undefined>(undefined);
  /** The selected provider; empty for all providers. */
  const providerId = useSignal('');
  const { isRunning, run } = useAction();
  const load = (): Promise<void> =>
    run(async () => {
      try {
        const query = providerId.value === '' ? {} : { providerId: providerId.value };
        const text = await api.getText(job.links.data, query);
        loaded.value = { text: prettyJson(text), updatedAt: job.updatedAt };
        error.value = undefined;
      } catch (cause) {
        loaded.value = undefined;
        error.value = errorText(cause);
      }
    });
  const select = (id: string): void => {
    providerId.value = id;
    loaded.value = undefined;
    void load();
  };
  const fetched = job.providers.filter(({ status }) => status === 'FETCHED');
  const bytes = fetched.reduce((sum, one) => sum + (one.bytes ?? 0), 0);
  const summary =
    fetched.length === 0
      ? 'Nothing has been fetched yet.'
      : `${fetched.length} of ${plural(job.providers.length, 'provider')} fetched, ${formatBytes(bytes)}.`;
  const content = () => {
    if (job.expungedAt !== undefined) {
      return <p class="faint">The data was deleted at {formatLocal(job.expungedAt)}.</p>;
    }
    if (loaded.value) return <Text loaded={loaded.value} job={job} providerId={providerId.value} />;
    if (error.value === undefined) return <p class="faint">{summary}</p>;
    return (
      <p class="field-error" role="alert">
        {error.value}
      </p>
    );
  };
  return (
    <section class="card" aria-busy={isRunning}>
      <div class="card-head">
        <h2>Data</h2>
        {job.expungedAt === undefined && (
          <div class="page-head-end">
            {job.providers.length > 1 && (
              <label class="inline">
                Provider
                <select value={providerId.value} onChange={(event) => select(event.currentTarget.value)}>
                  <option value="">all</option>
                  {job.providers.map(({ providerId: id }) => (
                    <option key={id} value={id}>
                      {id}
                    </option>
                  ))}
                </select>
              </label>
            )}
            <Button busy={isRunning} onClick={() => void load()}>
              {loaded.value ? 'Reload' : 'Show'}
            </Button>
          </div>
        )}
      </div>
      <div class="card-body">{content()}</div>
    </section>
  );
};

const errorText = (cause: unknown): string => {
  if (!(cause instanceof ApiError)) return String(cause);
  // The API reports data that is too large for one response as a missing `providerId`.
  const isTooLarge = cause.problem.errors?.some(({ pointer }) => pointer === '/providerId');
  return isTooLarge ? 'The data of all providers is too large for one response: choose a provider.' : cause.message;
};

const Text = ({ loaded, job, providerId }: { loaded: LoadedData; job: Job; providerId: string }) => {
  const { text, updatedAt } = loaded;
  const isCut = text.length > MAX_SHOWN_CHARACTERS;
  const name = `${job.jobId}${providerId === '' ? '' : `-${providerId}`}.json`;
  return (
    <>
      <div class="data-bar">
        <span class="faint">
          {isCut && `The first ${formatCount(MAX_SHOWN_CHARACTERS)} of ${plural(text.length, 'character')}. `}
          {updatedAt !== job.updatedAt && 'The job has changed since: reload.'}
        </span>
        <span>
          <CopyButton text={text} />
          <Button kind="quiet" onClick={() => download(text, name)}>
            Download
          </Button>
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the block scrolls, so the keyboard must reach it */}
      <pre class="data" tabIndex={0}>
        {isCut ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}\n…` : text}
      </pre>
    </>
  );
};

const download = (text: string, name: string): void => {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
};

import './jobs.css';
import { type Signal, useComputed, useSignal, useSignalEffect } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Api } from '../api.ts';
import type { Catalogue, JobPage, JobSummary, Status } from '../api-types.ts';
import { Button } from '../components/button.tsx';
import { confirm } from '../components/dialog.tsx';
import { SearchIcon } from '../components/icons.tsx';
import { NoJobs } from '../components/no-jobs.tsx';
import { EmptyState, ErrorState, Skeleton } from '../components/states.tsx';
import { StatusBadge } from '../components/status-badge.tsx';
import { Elapsed, RelativeTime } from '../components/time.tsx';
import { toast, toastError } from '../components/toast.tsx';
import { formatCount, formatDuration, plural, sentenceCase } from '../format.ts';
import {
  FAILURE_CODES,
  filterParams,
  filterQuery,
  isFiltered,
  type JobFilter,
  parseFilter,
  rangeTitle,
  redriveRequest,
  rollingRangeQuery,
  STATUSES,
} from '../job-filter.ts';
import { createSelection, mergeRows, runForEach, type Selection } from '../job-list.ts';
import { navigate, replaceQuery } from '../navigation.ts';
import { isRangeName, RANGES } from '../ranges.ts';
import { REDRIVE_EFFECT, redriveAll } from '../redrive.tsx';
import { refreshAll, useResource } from '../resource.ts';
import { hrefTo } from '../router.ts';
import type { PageProps } from './page.ts';

const PAGE_ROWS = 50;
/** The API's maximum page size. Polls read only the newest page, so older rows are not updated. */
const MAX_ROWS = 100;

export const JobsPage = ({ api, params }: PageProps) => {
  const filter = parseFilter(params);
  const search = useSignal('');
  const identity = JSON.stringify(filter);
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Jobs</h1>
        <Search text={search} isFocused={params.focus === 'search'} />
      </div>
      <Filters api={api} filter={filter} />
      <List key={identity} api={api} filter={filter} search={search} />
    </>
  );
};

const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;

const Search = ({ text, isFocused }: { text: Signal<string>; isFocused: boolean }) => {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!isFocused) return;
    field.current?.focus();
    // Drop the parameter, so that the field is not focused again when the user comes back.
    replaceQuery({});
  }, [isFocused]);
  const open = (event: Event): void => {
    event.preventDefault();
    const id = text.value.trim().toLowerCase();
    if (UUID.test(id)) navigate(hrefTo(`/jobs/${id}`));
    else document.querySelector<HTMLElement>('[data-row]')?.focus();
  };
  return (
    <form class="search" onSubmit={open}>
      <SearchIcon />
      <input
        ref={field}
        type="search"
        data-search
        aria-label="Job id: a part filters the rows, a whole id opens the job"
        placeholder="Job id"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') event.currentTarget.blur();
        }}
      />
      {text.value === '' && <kbd>/</kbd>}
    </form>
  );
};

/** The option for times that are not in `RANGES`, such as those of a bar in the overview. */
const FIXED = 'fixed';

const Filters = ({ api, filter }: { api: Api; filter: JobFilter }) => {
  const catalogue = useResource<Catalogue>(api, '/catalogue', { everyMs: 0 });
  const change = (part: Partial<JobFilter>): void => replaceQuery(filterParams({ ...filter, ...part }));
  const drop = (...names: (keyof JobFilter)[]): JobFilter => {
    const rest = { ...filter };
    for (const name of names) delete rest[name];
    return rest;
  };
  const toggle = (status: Status): void => {
    const { statuses } = filter;
    const next = statuses.includes(status) ? statuses.filter((one) => one !== status) : [...statuses, status];
    change({ inTrouble: false, statuses: STATUSES.filter((one) => next.includes(one)) });
  };
  const choose = (name: 'providerId' | 'failureCode', value: string): void =>
    replaceQuery(filterParams({ ...drop(name), ...(value !== '' && { [name]: value }) }));
  const chooseRange = (value: string): void => {
    if (value === FIXED) return;
    replaceQuery(filterParams({ ...drop('range', 'from', 'to'), ...(isRangeName(value) && { range: value }) }));
  };
  const ids = (catalogue.data.value?.providers ?? []).map(({ id }) => id);
  const providers =
    filter.providerId === undefined || ids.includes(filter.providerId) ? ids : [...ids, filter.providerId];
  const isFixed = filter.from !== undefined || filter.to !== undefined;
  return (
    <fieldset class="filters">
      <legend class="sr-only">Filters</legend>
      <div class="chips">
        {STATUSES.map((status) => (
          <button
            key={status}
            type="button"
            class={`chip tone-${status.toLowerCase()}`}
            aria-pressed={filter.statuses.includes(status)}
            onClick={() => toggle(status)}
          >
            <i class="dot" />
            {sentenceCase(status)}
          </button>
        ))}
        <button
          type="button"
          class="chip tone-warn"
          aria-pressed={filter.inTrouble}
          title="Pending after at least one failed attempt"
          onClick={() => change({ inTrouble: !filter.inTrouble, statuses: [] })}
        >
          <i class="dot" />
          In trouble
        </button>
      </div>
      <Choice
        label="Provider"
        any="Any provider"
        value={filter.providerId}
        options={providers.map((id) => [id, id])}
        onChoose={(value) => choose('providerId', value)}
      />
      <Choice
        label="Why it failed"
        any="Any failure"
        value={filter.failureCode}
        options={Object.entries(FAILURE_CODES)}
        onChoose={(value) => choose('failureCode', value)}
      />
      <Choice
        label="Accepted"
        any="Any time"
        value={filter.range ?? (isFixed ? FIXED : undefined)}
        options={[
          ...Object.entries(RANGES).map(([name, { period }]): Option => [name, sentenceCase(period)]),
          ...(isFixed ? [[FIXED, sentenceCase(rangeTitle(filter))] as const] : []),
        ]}
        onChoose={chooseRange}
      />
    </fieldset>
  );
};

type Option = readonly [value: string, text: string];
type ChoiceProps = {
  label: string;
  /** The text of the choice that filters nothing; its value is empty. */
  any: string;
  value: string | undefined;
  options: Option[];
  onChoose: (value: string) => void;
};

const Choice = ({ label, any, value = '', options, onChoose }: ChoiceProps) => (
  <select aria-label={label} value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
    <option value="">{any}</option>
    {options.map(([id, text]) => (
      <option key={id} value={id}>
        {text}
      </option>
    ))}
  </select>
);

const List = ({ api, filter, search }: { api: Api; filter: JobFilter; search: Signal<string> }) => {
  const selection = useMemo(createSelection, []);
  const rows = useSignal<JobSummary[]>([]);
  const cursor = useSignal<string | null>(null);
  const isLoadingMore = useSignal(false);
  const query = filterQuery(filter);
  const newest = useResource<JobPage>(api, '/jobs', {
    query: { ...query, limit: rows.value.length > PAGE_ROWS ? MAX_ROWS : PAGE_ROWS },
    timeQuery: () => rollingRangeQuery(filter, Date.now()),
  });
  useSignalEffect(() => {
    const page = newest.data.value;
    if (!page) return;
    const old = rows.peek();
    const merged = mergeRows(old, page.jobs, page.cursor === null);
    // If no older rows are loaded, the next page begins where this one ends.
    if (merged.length === page.jobs.length) cursor.value = page.cursor;
    rows.value = merged;
  });
  const loadMore = async (): Promise<void> => {
    isLoadingMore.value = true;
    try {
      const after = {
        ...query,
        ...rollingRangeQuery(filter, Date.now()),
        limit: MAX_ROWS,
        cursor: cursor.value ?? undefined,
      };
      const page = await api.get<JobPage>('/jobs', after);
      const loadedIds = new Set(rows.value.map(({ jobId }) => jobId));
      rows.value = [...rows.value, ...page.jobs.filter(({ jobId }) => !loadedIds.has(jobId))];
      cursor.value = page.cursor;
    } catch (error) {
      toastError(error);
    } finally {
      isLoadingMore.value = false;
    }
  };
  const shown = useComputed(() => {
    const text = search.value.trim().toLowerCase();
    return text === '' ? rows.value : rows.value.filter(({ jobId }) => jobId.includes(text));
  });
  if (newest.data.value === undefined && rows.value.length === 0)
    return newest.error.value ? (
      <ErrorState error={newest.error.value} />
    ) : (
      <div class="card">
        <div class="jobs-bar" />
        <div class="card-body">
          <Skeleton lines={12} height="1.9rem" />
        </div>
      </div>
    );
  if (rows.value.length === 0 && cursor.value === null)
    return isFiltered(filter) ? (
      <div class="card">
        <EmptyState title="No job matches">
          <p>No job has all of these properties ({rangeTitle(filter)}).</p>
          <Button onClick={() => replaceQuery({})}>Clear filters</Button>
        </EmptyState>
      </div>
    ) : (
      <NoJobs api={api} title="No jobs yet" />
    );
  return (
    <div class="card">
      <Bar
        api={api}
        filter={filter}
        selection={selection}
        rows={shown.value}
        hasMore={cursor.value !== null}
        isSearching={shown.value !== rows.value}
      />
      <Rows rows={shown.value} selection={selection} />
      <div class="jobs-more">
        {shown.value.length < rows.value.length && (
          <span>
            {formatCount(shown.value.length)} of {plural(rows.value.length, 'loaded row')} match
          </span>
        )}
        {cursor.value === null ? (
          <span>{plural(rows.value.length, 'job')}, no more</span>
        ) : (
          <Button onClick={() => void loadMore()} busy={isLoadingMore.value}>
            {isLoadingMore.value ? 'Loading…' : 'Load older jobs'}
          </Button>
        )}
      </div>
    </div>
  );
};

type BarProps = {
  api: Api;
  filter: JobFilter;
  selection: Selection;
  rows: JobSummary[];
  hasMore: boolean;
  isSearching: boolean;
};

/** Actions on the selected jobs, or on all that match the filter. */
const Bar = ({ api, filter, selection, rows, hasMore, isSearching }: BarProps) => {
  const progress = useSignal<string | undefined>(undefined);
  const isCounting = useSignal(false);
  const redriveMatching = async (): Promise<void> => {
    const request = redriveRequest(filter, Date.now());
    if (!request) return;
    isCounting.value = true;
    await redriveAll(api, request);
    isCounting.value = false;
  };
  const actOnAll = async (action: 'redrive' | 'cancel', ids: string[]): Promise<void> => {
    const [doing, done] = action === 'redrive' ? ['Redriving', 'redriven'] : ['Cancelling', 'cancelled'];
    const title = `${sentenceCase(action)} ${plural(ids.length, 'job')}?`;
    const body = action === 'cancel' ? 'They end now. A callback already on its way may still arrive.' : REDRIVE_EFFECT;
    if (!(await confirm({ title, body, action: `${sentenceCase(action)} ${ids.length}`, danger: action === 'cancel' })))
      return;
    const show = (count: number): void => {
      progress.value = `${doing} ${count} of ${ids.length}…`;
    };
    show(0);
    const { succeeded, errors } = await runForEach(ids, (id) => api.post(`/jobs/${id}/${action}`), show);
    progress.value = undefined;
    selection.clear();
    refreshAll();
    if (succeeded > 0)
      toast(
        <>
          {plural(succeeded, 'job')} {done}.{' '}
          {action === 'redrive' && <a href={hrefTo('/jobs', { status: 'PENDING' })}>See pending jobs</a>}
        </>,
      );
    if (errors.length > 0)
      toast(`${plural(errors.length, 'job')} not ${done}: ${String((errors[0] as Error).message)}`, 'bad');
  };
  if (progress.value !== undefined)
    return (
      <div class="jobs-bar is-active" role="status">
        {progress.value}
      </div>
    );
  // A redrive of all matching jobs would ignore the search, so it is not offered during one.
  const canRedriveMatching = !isSearching && redriveRequest(filter, Date.now()) !== undefined;
  const redriveButton = canRedriveMatching && (
    <Button onClick={() => void redriveMatching()} busy={isCounting.value}>
      {isCounting.value ? 'Counting…' : redriveTitle(filter)}
    </Button>
  );
  if (selection.count.value === 0)
    return (
      <div class="jobs-bar">
        <span class="faint">
          {hasMore ? `The newest ${formatCount(rows.length)}` : plural(rows.length, 'job')}, {rangeTitle(filter)}
        </span>
        {isFiltered(filter) && (
          <Button kind="quiet" onClick={() => replaceQuery({})}>
            Clear filters
          </Button>
        )}
        <span class="jobs-bar-end">{redriveButton}</span>
      </div>
    );
  const chosen = rows.filter(({ jobId }) => selection.ids.value.has(jobId));
  const pending = chosen.filter(({ status }) => status === 'PENDING').map(({ jobId }) => jobId);
  return (
    <div class="jobs-bar is-active">
      <strong role="status">{formatCount(chosen.length)} selected</strong>
      <Button
        kind="primary"
        onClick={() =>
          void actOnAll(
            'redrive',
            chosen.map(({ jobId }) => jobId),
          )
        }
      >
        Redrive {formatCount(chosen.length)}…
      </Button>
      {pending.length > 0 && (
        <Button kind="danger" onClick={() => void actOnAll('cancel', pending)}>
          Cancel {formatCount(pending.length)} pending…
        </Button>
      )}
      <Button kind="quiet" onClick={selection.clear}>
        Clear
      </Button>
      <span class="jobs-bar-end">{hasMore && redriveButton}</span>
    </div>
  );
};

const redriveTitle = ({ statuses, inTrouble }: JobFilter): string => {
  if (inTrouble) return 'Redrive all in trouble…';
  const redrivable = statuses.filter((status) => status === 'FAILED' || status === 'PARTIAL');
  const names = redrivable.length === 1 ? redrivable[0]?.toLowerCase() : 'failed and partial';
  return `Redrive all ${names}…`;
};

const Rows = ({ rows, selection }: { rows: JobSummary[]; selection: Selection }) => {
  // Preact skips an element that it has already rendered, so a poll renders only the rows that changed.
  const elements = useMemo(() => new WeakMap<JobSummary, VNode>(), []);
  const elementOf = (job: JobSummary): VNode => {
    const element = elements.get(job) ?? <Row key={job.jobId} job={job} selection={selection} />;
    elements.set(job, element);
    return element;
  };
  return (
    <div class="table-frame">
      <table class="table jobs-table">
        <caption class="sr-only">Jobs, newest first</caption>
        <thead>
          <tr>
            <th scope="col" class="check">
              <SelectAll rows={rows} selection={selection} />
            </th>
            <th scope="col">Status</th>
            <th scope="col">Job</th>
            <th scope="col">Providers</th>
            <th scope="col">Callback</th>
            <th scope="col">Why it failed</th>
            <th scope="col">Accepted</th>
            <th scope="col" class="end">
              Took
            </th>
          </tr>
        </thead>
        <tbody>{rows.map(elementOf)}</tbody>
      </table>
    </div>
  );
};

const SelectAll = ({ rows, selection }: { rows: JobSummary[]; selection: Selection }) => {
  const areAllChosen = rows.length > 0 && rows.every(({ jobId }) => selection.ids.value.has(jobId));
  return (
    <label>
      <span class="sr-only">Select all rows</span>
      <input
        type="checkbox"
        checked={areAllChosen}
        onChange={() => (areAllChosen ? selection.clear() : selection.set(rows.map(({ jobId }) => jobId)))}
      />
    </label>
  );
};

const Row = ({ job, selection }: { job: JobSummary; selection: Selection }) => {
  const { jobId, status, providers, callbackHost, createdAt, endedAt, failureCode } = job;
  const isChosen = useComputed(() => selection.ids.value.has(jobId));
  const href = hrefTo(`/jobs/${jobId}`);
  const open = (event: MouseEvent): void => {
    const isControl = (event.target as Element).closest('a, label, input') !== null;
    if (!isControl && getSelection()?.isCollapsed !== false) navigate(href);
  };
  return (
    // The link in the row does the same for keyboards and screen readers.
    <tr onClick={open}>
      <td class="check">
        <label>
          <span class="sr-only">Select job {jobId}</span>
          <input type="checkbox" checked={isChosen} onChange={() => selection.toggle(jobId)} />
        </label>
      </td>
      <td class="cell-status">
        <StatusBadge status={status} />
      </td>
      <td>
        <a class="mono row-id" href={href} data-row title={jobId} aria-label={`Job ${jobId}`}>
          <span class="row-id-head">{jobId.slice(0, -12)}</span>
          {jobId.slice(-12)}
        </a>
      </td>
      <td class="cell-providers">
        <span class="provider-tags">
          {providers.map((id) => (
            <span key={id} class="provider-tag">
              {id}
            </span>
          ))}
        </span>
      </td>
      <td class="cell-host">{callbackHost}</td>
      <td class="jobs-why">
        {failureCode === undefined ? null : (FAILURE_CODES[failureCode] ?? sentenceCase(failureCode))}
      </td>
      <td class="cell-created">
        <RelativeTime iso={createdAt} />
      </td>
      <td class="end cell-took">
        {endedAt === null ? <Elapsed iso={createdAt} /> : formatDuration(Date.parse(endedAt) - Date.parse(createdAt))}
      </td>
    </tr>
  );
};

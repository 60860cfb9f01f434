import type { Api } from './api.ts';
import { ApiError } from './api.ts';
import type { Redrive, RedriveCount, RedriveOpen, RedriveRequest } from './api-types.ts';
import { confirm } from './components/dialog.tsx';
import { toast, toastError } from './components/toast.tsx';
import { formatCount, plural } from './format.ts';
import { describeRequest } from './job-filter.ts';
import { navigate } from './navigation.ts';
import { rememberMatched } from './redrive-progress.ts';
import { hrefTo } from './router.ts';

/** For the dialog that asks before a redrive. */
export const REDRIVE_EFFECT =
  'Each is tried again at once: providers without data are called, then the callback is sent. Receivers may get a callback twice.';

/** Redrives all jobs that match: counts them, asks for confirmation, starts the redrive and opens its page. */
export const redriveAll = async (api: Api, request: RedriveRequest): Promise<void> => {
  try {
    const { matched, truncated } = await api.post<RedriveCount>('/redrives', { ...request, dryRun: true });
    if (matched === 0) return toast('No matching job can be redriven.');
    const count = `${truncated ? 'more than ' : ''}${plural(matched, 'job')}`;
    const isSure = await confirm({
      title: `Redrive ${count}?`,
      body: (
        <>
          <p>{describeRequest(request)}.</p>
          <p>{REDRIVE_EFFECT}</p>
        </>
      ),
      action: `Redrive ${truncated ? 'all' : formatCount(matched)}`,
    });
    if (!isSure) return;
    const { redriveId } = await api.post<Redrive>('/redrives', request);
    if (!truncated) rememberMatched(redriveId, matched);
    navigate(hrefTo(`/redrives/${redriveId}`));
  } catch (error) {
    const running = error instanceof ApiError ? (error.problem as Partial<RedriveOpen>).links?.redrive : undefined;
    if (running === undefined) return toastError(error);
    toast(
      <>
        Another redrive is running. <a href={hrefTo(running)}>See its progress</a>
      </>,
      'bad',
    );
  }
};

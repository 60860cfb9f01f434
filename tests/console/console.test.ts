import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { respondsWith } from '../e2e/third-parties.ts';
import {
  type ConsoleOptions,
  type ConsoleTab,
  DESKTOP,
  expectAccessible,
  expectNoOverflow,
  goTo,
  headingOf,
  launch,
  openConsole,
  PHONE,
  type Screen,
  SMALL_PHONE,
  waitForText,
  watchShifts,
} from './browser.ts';
import { addHistory } from './history.ts';
import { postJobs, startWorld, type World } from './world.ts';

/** The console, used in Chromium. */

const FAILED_JOBS = 40;

let browser: Browser;
/** A cloud with jobs of every kind. */
let busy: World;
/** A cloud without jobs. */
let empty: World;
/** A cloud whose jobs are posted by one test, to a failing provider. */
let failing: World;
/** The id of a job of each kind. */
let jobs: { complete: string; failed: string; inTrouble: string; partial: string };

beforeAll(async () => {
  browser = await launch();
  [busy, empty, failing] = await Promise.all([startWorld(), startWorld(), startWorld()]);
  await postJobs(busy, FAILED_JOBS, ['gas'], '/gone');
  const [complete = ''] = await postJobs(busy, 12, ['gas'], '/callback');
  const [partial = ''] = await postJobs(busy, 1, ['gas', 'water'], '/callback');
  const [inTrouble = ''] = await postJobs(busy, 3, ['gas', 'internet'], '/callback');
  const [failed = ''] = await postJobs(busy, 1, ['gas'], '/gone');
  jobs = { complete, failed, inTrouble, partial };
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await Promise.all([busy?.stop(), empty?.stop(), failing?.stop()]);
}, 30_000);

let tabs: ConsoleTab[] = [];
afterEach(async () => {
  const complaints = tabs.flatMap((tab) => tab.complaints);
  await Promise.all(tabs.map(({ close }) => close()));
  tabs = [];
  expect(complaints).toEqual([]);
});

const open = async (options: Partial<ConsoleOptions> & { world?: World } = {}): Promise<Page> => {
  const { world = busy, ...rest } = options;
  const tab = await openConsole(browser, { url: world.cloud.serviceUrl, key: world.cloud.apiKey, ...rest });
  tabs.push(tab);
  return tab.page;
};
const openSignedOut = async (path = '/'): Promise<Page> => {
  const tab = await openConsole(browser, { url: busy.cloud.serviceUrl, path });
  tabs.push(tab);
  return tab.page;
};

describe('signing in', () => {
  test('accepts a key, keeps it in this tab only, and forgets it on signing out', async () => {
    const page = await openSignedOut();
    await page.getByLabel('API key').fill(busy.cloud.apiKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    const stored = await page.evaluate(() => [
      Object.values(sessionStorage),
      Object.values(localStorage),
      document.cookie,
    ]);
    expect(stored).toEqual([[busy.cloud.apiKey], [], '']);
    await page.reload();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API key').waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  test('reports an unknown key', async () => {
    const page = await openSignedOut();
    await page.getByLabel('API key').fill('not-a-key-of-anybody');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('This key is unknown or was revoked').waitFor();
    await expectAccessible(page);
  });

  test('accepts a key in the address, and removes it from there', async () => {
    const page = await open({ path: `/jobs/${jobs.failed}` });
    await waitForText(page, '410 Gone');
    expect(await page.evaluate(() => location.href)).toBe(`${busy.cloud.serviceUrl}/console#/jobs/${jobs.failed}`);
    expect(await page.evaluate(() => history.length)).toBe(2);
  });
});

/** Paths of pages, and a text on each page. */
type Expected = [to: string, text: string | RegExp][];

const expectPages = async (page: Page, pages: Expected): Promise<void> => {
  for (const [to, text] of pages) {
    await goTo(page, to);
    await waitForText(page, text);
    await expectNoOverflow(page);
    await expectAccessible(page);
  }
};

describe.each<[string, Screen, 'light' | 'dark']>([
  ['on a desktop', DESKTOP, 'light'],
  ['in dark mode', DESKTOP, 'dark'],
  ['on a phone', PHONE, 'light'],
])('every page %s', (_, screen, colorScheme) => {
  test('with data is accessible and fits', async () => {
    const page = await open({ screen, colorScheme });
    const pages: Expected = [
      ['/', `${FAILED_JOBS + 1} jobs failed`],
      ['/jobs', 'Load older jobs'],
      [`/jobs/${jobs.complete}`, /^Delivered at/],
      [`/jobs/${jobs.failed}`, /410 Gone/],
      [`/jobs/${jobs.inTrouble}`, /^Waiting for internet/],
      [`/jobs/${jobs.partial}`, /^Partly delivered/],
      ['/providers', 'Credit reports'],
      ['/new', 'Credit reports'],
      ['/redrives', 'No redrives yet'],
      ['/nowhere', 'There is no such page'],
    ];
    await expectPages(page, pages);
  });

  test('without data shows the first steps, is accessible and fits', async () => {
    const page = await open({ world: empty, screen, colorScheme });
    const pages: Expected = [
      ['/', 'No jobs in the last 24 hours'],
      ['/jobs', 'No jobs yet'],
      ['/redrives', 'No redrives yet'],
      ['/jobs/01a20b4c-cf47-716b-85d8-5343742576b8', 'No such job.'],
    ];
    await expectPages(page, pages);
    await goTo(page, '/jobs');
    await waitForText(page, `curl -i ${empty.cloud.serviceUrl}/webhook`);
  });
});

test.each([
  ['a desktop', DESKTOP],
  ['a small phone', SMALL_PHONE],
])('nothing shifts while data loads, and nothing overflows, on %s', async (_, screen) => {
  const { page, close } = await openConsole(browser, { url: busy.cloud.serviceUrl, screen });
  const readShifts = await watchShifts(page);
  const moved: [string, number][] = [];
  for (const to of ['/', '/jobs', `/jobs/${jobs.inTrouble}`, '/providers', '/redrives', '/new?provider=reports']) {
    await page.goto('about:blank');
    await page.goto(`${busy.cloud.serviceUrl}/console#${to}${to.includes('?') ? '&' : '?'}key=${busy.cloud.apiKey}`);
    await page.locator('.shell').waitFor();
    await page.locator('.skeleton').first().waitFor({ state: 'detached' });
    await expectNoOverflow(page);
    const shifts = await readShifts();
    if (shifts >= 0.05) moved.push([to, shifts]);
  }
  await close();
  expect(moved).toEqual([]);
});

describe('the overview', () => {
  test('states problems in its first line, and links to their jobs', async () => {
    const page = await open();
    await page.getByRole('link', { name: '3 jobs in trouble' }).click();
    await waitForText(page, 'Redrive all in trouble…');
    expect(await page.locator('tbody tr').count()).toBe(3);
  });

  test('names the cause of the newest failure', async () => {
    const page = await open();
    await page
      .getByRole('region', { name: 'Newest failures' })
      .getByText(/answered 410 Gone/)
      .first()
      .waitFor();
  });

  test('links each bar to the jobs of its time range', async () => {
    const page = await open();
    const bar = page.getByRole('link', { name: /41 failed/ });
    await bar.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    expect(await page.evaluate(() => location.hash)).toMatch(/^#\/jobs\?from=.+&to=/);
  });
});

describe('a job', () => {
  test('is shown from request to callback, without a reload', async () => {
    const page = await open({ path: '/jobs' });
    let finish = () => {};
    busy.parties.set('/slow', (response) => {
      finish = () => void response.writeHead(200).end();
    });
    const id = await busy.api.submit(['gas'], `${busy.parties.url}/slow`);
    const row = page.getByRole('row').filter({ has: page.getByTitle(id) });
    await row.getByText('Pending').waitFor();
    await row.getByRole('link').click();
    await waitForText(page, /^In progress/);
    await busy.parties.until(() => busy.parties.count('/slow') === 1);
    finish();
    await waitForText(page, /^Delivered at/);
    await page.goBack();
    await row.getByText('Complete').waitFor();
  });

  test('is cancelled', async () => {
    const [id = ''] = await postJobs(busy, 1, ['internet'], '/callback');
    const page = await open({ path: `/jobs/${id}` });
    await waitForText(page, /^Waiting for internet: 503/);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Cancel/ })
      .click();
    await waitForText(page, /^Cancelled at/);
    expect((await busy.api.getJob(id)).status).toBe('CANCELLED');
  });

  test('has its data deleted', async () => {
    const [id = ''] = await postJobs(busy, 1, ['gas'], '/callback');
    const page = await open({ path: `/jobs/${id}` });
    await page.getByRole('button', { name: /^Delete data/ }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Delete/ })
      .click();
    await waitForText(page, /data was deleted/);
    expect((await busy.api.getJob(id)).expungedAt).toEqual(expect.any(String));
  });

  test('is redriven', async () => {
    busy.parties.set('/gone-for-now', respondsWith({}, 410));
    const [failed = ''] = await postJobs(busy, 1, ['gas'], '/gone-for-now');
    busy.parties.set('/gone-for-now', respondsWith({}));
    const page = await open({ path: `/jobs/${failed}` });
    await waitForText(page, /^Failed/);
    await page.getByRole('button', { name: /^Redrive/ }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Redrive/ })
      .click();
    await waitForText(page, /^Delivered at/);
  });
});

test('an unknown job is reported as not found, not as a server that does not answer', async () => {
  const page = await open({ path: '/jobs/01a22266-935e-7218-81fe-3138bd967cea' });
  await waitForText(page, 'Not found');
  await waitForText(page, 'Live');
});

describe('many jobs', () => {
  test('that failed are filtered, counted, redriven in bulk and followed', async () => {
    const page = await open();
    await page.getByRole('link', { name: 'jobs failed' }).click();
    const redriveAll = page.getByRole('button', { name: 'Redrive all failed…' });
    await redriveAll.waitFor();
    await page.getByLabel(/^Job id/).fill(jobs.failed.slice(-8));
    await redriveAll.waitFor({ state: 'detached' });
    await page.getByLabel(/^Job id/).fill('');
    await redriveAll.click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(`Redrive ${FAILED_JOBS + 1} jobs?`).waitFor();
    await expectAccessible(page);
    busy.parties.set('/gone', respondsWith({}));
    await dialog.getByRole('button', { name: `Redrive ${FAILED_JOBS + 1}` }).click();
    await page.getByRole('heading', { name: 'Redrive' }).waitFor();
    await waitForText(page, 'Done');
    await expectAccessible(page);
    expect(await page.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('100');
    await page.getByRole('link', { name: 'All redrives' }).click();
    await page
      .getByRole('row')
      .filter({ hasText: 'Complete' })
      .getByText(String(FAILED_JOBS + 1))
      .waitFor();
    await expectAccessible(page);
    await goTo(page, '/jobs?status=FAILED');
    await waitForText(page, 'No job matches');
  });

  test('are selected one by one, and cancelled together', async () => {
    await postJobs(busy, 2, ['internet'], '/chosen');
    const page = await open({ path: '/jobs?inTrouble=true' });
    const boxes = page.locator('tbody input[type=checkbox]');
    await boxes.first().waitFor();
    await boxes.nth(0).check();
    await boxes.nth(1).check();
    await waitForText(page, '2 selected');
    await page.getByRole('button', { name: 'Cancel 2 pending…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel 2' }).click();
    await waitForText(page, '2 jobs cancelled.');
  });
});

describe('a new job', () => {
  test('with an invalid parameter shows the error at its field, and is posted once corrected', async () => {
    const page = await open({ path: '/new' });
    await page.getByLabel('Credit reports').check();
    await page.getByLabel(/account/).fill('12');
    await page.getByLabel(/Callback URL/).fill(`${busy.parties.url}/callback`);
    await page.getByRole('button', { name: /^Post/ }).click();
    await expectAccessible(page);
    const field = page.getByLabel(/account/);
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    await waitForText(page, /pattern.* · Eight digits/);
    await field.fill('12345678');
    await page.getByRole('button', { name: /^Post/ }).click();
    await waitForText(page, /^Delivered at/);
  });
});

describe('an operator', () => {
  test('lists all clients, views and acts as one of them, and returns to its own view', async () => {
    const [id = ''] = await postJobs(busy, 1, ['internet'], '/callback');
    const page = await open({ key: busy.operatorKey });
    await waitForText(page, 'No jobs in the last 24 hours');
    await page.getByRole('link', { name: 'Clients' }).click();
    await page.getByRole('button', { name: 'View as local' }).waitFor();
    await expectNoOverflow(page);
    await expectAccessible(page);
    await page.getByRole('button', { name: 'View as local' }).click();
    await waitForText(page, 'Viewing as');
    await waitForText(page, /jobs? in trouble/);
    await expectAccessible(page);
    await goTo(page, `/jobs/${id}`);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Cancel/ })
      .click();
    await waitForText(page, /^Cancelled at/);
    await page.getByRole('button', { name: 'Leave' }).click();
    await waitForText(page, 'No such job.');
    await goTo(page, '/');
    await waitForText(page, 'No jobs in the last 24 hours');
  });

  test('is the only one to see the page of clients', async () => {
    const page = await open({ path: '/clients' });
    await waitForText(page, 'Only operators see other clients');
    expect(await page.getByRole('link', { name: 'Clients' }).count()).toBe(0);
  });
});

test('the page of providers shows how many recent calls failed, and keeps the figures current', async () => {
  const page = await open({ world: failing, path: '/providers', screen: PHONE });
  const card = page.getByRole('listitem').filter({ hasText: 'Internet bills' });
  await card.getByText('No recent failures other than refusals.').waitFor();
  /** Posts jobs until the card shows a text: calls are counted only after a while, and shown up to five seconds later. */
  const postUntil = async (text: RegExp): Promise<void> => {
    const isShown = () => card.getByText(text).isVisible();
    const deadline = Date.now() + 40_000;
    while (!(await isShown())) {
      if (Date.now() > deadline) throw new Error(`${text} is not shown, but ${await card.innerText()}`);
      await postJobs(failing, 1, ['internet'], '/callback');
      await page.keyboard.press('r');
    }
  };
  await postUntil(/^A call failed recently. No calls counted since/);
  await postUntil(/^(\d+) of \1 calls failed \(100 %\) since/);
  failing.parties.set('/internet', respondsWith([]));
  await postUntil(/calls failed \(\d+\.\d %\) since/);
  await expectNoOverflow(page);
  await expectAccessible(page);
}, 120_000);

test('a job is found, opened and left with the keyboard alone', async () => {
  const page = await open();
  await page.keyboard.press('/');
  await page.getByRole('heading', { name: 'Jobs' }).waitFor();
  await page.locator('[data-search]:focus').waitFor();
  await page.locator('[data-row]').nth(1).waitFor();
  await page.keyboard.type(jobs.partial.slice(-12));
  await page.locator('tbody tr').nth(1).waitFor({ state: 'detached' });
  await page.keyboard.press('Enter');
  await page.locator('[data-row]:focus').waitFor();
  await page.keyboard.press('x');
  await waitForText(page, '1 selected');
  await page.keyboard.press('Enter');
  await waitForText(page, /^Partly delivered/);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.goBack();
  await page.locator('[data-row]').nth(2).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  expect(
    await page.evaluate(() => [...document.querySelectorAll('[data-row]')].indexOf(document.activeElement as Element)),
  ).toBe(0);
});

test('polling pauses in a hidden tab, and an unreachable server is reported', async () => {
  const page = await open({ path: '/jobs' });
  await page.locator('tbody tr').first().waitFor();
  const setVisibility = (state: string) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'visibilityState', { value, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, state);
  await setVisibility('hidden');
  await waitForText(page, 'Paused');
  await setVisibility('visible');
  await waitForText(page, 'Live');
  await page.context().setOffline(true);
  await waitForText(page, /^No response since \d\d:\d\d:\d\d$/);
  expect(await headingOf(page)).toBe('Jobs');
  await expectAccessible(page);
  await page.context().setOffline(false);
  await waitForText(page, 'Live');
  const [tab] = tabs;
  // The browser reported the requests that failed while it was offline.
  tab?.complaints.splice(0);
});

const pictureTest = process.env.PICTURES === '1' ? test : test.skip;

pictureTest(
  "takes the README's pictures",
  async () => {
    const world = await startWorld({ RETRY_SCHEDULE_SECONDS: '1,2,600' });
    await addHistory(world.cloud, 1_600, 24);
    const ids = await postJobs(world, 2, ['gas', 'internet'], '/callback');
    for (const id of ids) await world.api.waitFor(id, ({ attempts }) => attempts.length === 3);
    await postJobs(world, 4, ['gas'], '/callback');
    const pictures: [string, string, Partial<ConsoleOptions>, RegExp][] = [
      ['overview', '/', {}, /jobs delivered/],
      ['job', `/jobs/${ids[0]}`, {}, /^Waiting for internet/],
      ['phone', '/', { screen: PHONE }, /jobs delivered/],
      ['dark', '/jobs', { colorScheme: 'dark' }, /Load older/],
    ];
    for (const [name, to, options, text] of pictures) {
      const page = await open({ world, path: to, ...options });
      await waitForText(page, text);
      await page.locator('.skeleton').first().waitFor({ state: 'detached' });
      await page.screenshot({ path: path.resolve(`docs/images/console-${name}.png`) });
    }
    await world.stop();
  },
  60_000,
);

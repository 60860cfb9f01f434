import { AxeBuilder } from '@axe-core/playwright';
import { expect } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';

/** The console in a real browser. */

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGUMENTS });

export type Screen = { width: number; height: number };
export const DESKTOP: Screen = { width: 1280, height: 800 };
export const PHONE: Screen = { width: 390, height: 844 };
export const SMALL_PHONE: Screen = { width: 360, height: 640 };

export type ConsoleOptions = {
  url: string;
  /** API key to sign in with. */
  key?: string;
  /** The page's fragment, `/jobs` for example. */
  path?: string;
  screen?: Screen;
  colorScheme?: 'light' | 'dark';
};

/** Opens the console in a tab. `complaints` collects errors and warnings of the browser, and requests to other origins. */
export const openConsole = async (browser: Browser, options: ConsoleOptions) => {
  const { url, key, path = '/', screen = DESKTOP, colorScheme = 'light' } = options;
  const context = await browser.newContext({ viewport: screen, colorScheme, reducedMotion: 'reduce' });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    // The browser reports each response of 400 or above. Tests provoke them on purpose.
    const isStatus = /^Failed to load resource: the server responded with a status of/.test(message.text());
    if (['error', 'warning'].includes(message.type()) && !isStatus) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  context.on('request', (request) => {
    const isOwn = request.url().startsWith(`${url}/`) || /^(?:data|blob|about):/.test(request.url());
    if (!isOwn) complaints.push(`request to ${request.url()}`);
  });
  const query = key === undefined ? '' : `${path.includes('?') ? '&' : '?'}key=${encodeURIComponent(key)}`;
  await page.goto(`${url}/console#${path}${query}`);
  if (key !== undefined) await page.locator('.shell').waitFor();
  return { page, complaints, close: () => context.close() };
};

export type ConsoleTab = Awaited<ReturnType<typeof openConsole>>;

/** Goes to a page by its address, as a bookmark does. */
export const goTo = async (page: Page, path: string): Promise<void> => {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, path);
};

/** Waits until the page shows a text. */
export const waitForText = async (page: Page, text: string | RegExp): Promise<void> =>
  page.getByText(text).first().waitFor();

/** Fails on violations of WCAG 2.2 A and AA, and of best practices. */
export const expectAccessible = async (page: Page): Promise<void> => {
  // By default, axe finishes in a second page, whose requests would be reported as complaints.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => ({ id, html, failureSummary })),
  );
  expect(found).toEqual([]);
};

/** Fails if the page scrolls sideways. */
export const expectNoOverflow = async (page: Page): Promise<void> =>
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(
    0,
  );

/**
 * Records layout shifts that no input caused (CLS). Must be called before the page is opened.
 * @returns a function that reads the sum of the shifts so far
 */
export const watchShifts = async (page: Page): Promise<() => Promise<number>> => {
  await page.addInitScript(() => {
    const world = window as unknown as { shifts: number };
    world.shifts = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[])
        if (!entry.hadRecentInput) world.shifts += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  return () => page.evaluate(() => (window as unknown as { shifts: number }).shifts);
};

export const headingOf = (page: Page): Promise<string | null> => page.locator('h1').textContent();

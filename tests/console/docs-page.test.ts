import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { type Instance, startInstance } from '../../local/instance.ts';
import { DESKTOP, launch, PHONE, type Screen } from './browser.ts';

/** `GET /docs` in a real browser. */

let browser: Browser;
let cloud: Instance;
beforeAll(async () => {
  [browser, cloud] = await Promise.all([launch(), startInstance({ FAILURE_RATE: '0' })]);
});
afterAll(async () => {
  await browser.close();
  await cloud.stop();
});

const openDocs = async (screen: Screen, colorScheme: 'light' | 'dark' = 'light') => {
  const page = await browser.newPage({ viewport: screen, colorScheme });
  const complaints: string[] = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!/^(?:data|blob):/.test(request.url()) && !request.url().startsWith(`${cloud.serviceUrl}/`))
      complaints.push(`request to ${request.url()}`);
  });
  await page.goto(`${cloud.serviceUrl}/docs`);
  await page.locator('schema-table').first().waitFor();
  return { page, complaints };
};

/** Draws the whole page, as a key press such as Ctrl-F does. Otherwise a part is drawn when it comes near the screen. */
const drawAll = async (page: Page): Promise<void> => {
  await page.keyboard.press('Control');
  await page.getByText('webhook-signature').first().waitFor();
};

test('draws what is on screen first, and the rest for a search', async () => {
  const { page, complaints } = await openDocs(DESKTOP);
  const tables = page.locator('schema-table');
  const atFirst = await tables.count();
  expect(atFirst).toBeLessThan(10);
  await page.locator('api-request[path="/catalogue"]').scrollIntoViewIfNeeded();
  await page.locator('api-request[path="/catalogue"]').getByRole('button', { name: 'TRY' }).waitFor();
  await drawAll(page);
  expect(await tables.count()).toBeGreaterThan(40);
  expect(complaints).toEqual([]);
  await page.close();
});

test.each(['light', 'dark'] as const)('is accessible by WCAG 2 A and AA (%s)', async (colorScheme) => {
  const { page } = await openDocs(DESKTOP, colorScheme);
  await drawAll(page);
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().withTags(['wcag2a', 'wcag2aa']).analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
  await page.close();
});

test('shows limits, response headers and the callback on a phone, with nothing cut off', async () => {
  const { page, complaints } = await openDocs(PHONE);
  await drawAll(page);
  for (const text of ['idempotent-replayed', 'Max Items:', 'webhook-signature', 'CODE SAMPLES'])
    expect([text, await page.getByText(text).count()]).not.toEqual([text, 0]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(PHONE.width);
  const tryButtons = await page.getByRole('button', { name: 'TRY' }).all();
  for (const button of tryButtons.slice(0, 3)) {
    const box = await button.boundingBox();
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(PHONE.width);
  }
  expect(complaints).toEqual([]);
  await page.close();
});

test('sends a request with the API key that was entered', async () => {
  const { page, complaints } = await openDocs(DESKTOP);
  await page.locator('input[placeholder="api-token"]').first().fill(cloud.apiKey);
  await page.getByRole('button', { name: 'SET' }).first().click();
  const answered = page.waitForResponse((response) => response.url().endsWith('/catalogue'));
  await page.locator('api-request[path="/catalogue"]').scrollIntoViewIfNeeded();
  await page.locator('api-request[path="/catalogue"]').getByRole('button', { name: 'TRY' }).click();
  expect((await answered).status()).toBe(200);
  expect(complaints).toEqual([]);
  await page.close();
});

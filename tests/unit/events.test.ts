import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { expectations, FIXTURE_JOB_ID, listFixtures } from '../event-expectations.ts';
import { createWorld } from '../function-world.ts';

test('every fixture has an expectation, and every function has a fixture', () => {
  const withoutExpectation = listFixtures().filter((fixture) => !(fixture in expectations));
  expect(withoutExpectation.map((fixture) => `tests/event-expectations.ts has no ${fixture}`)).toEqual([]);
  expect(Object.keys(expectations).sort()).toEqual(listFixtures().sort());
  const withFixtures = readdirSync('events');
  const withoutFixtures = readdirSync('functions').filter((name) => !withFixtures.includes(name));
  expect(withoutFixtures.map((name) => `events/${name} is missing`)).toEqual([]);
  expect(withFixtures.sort()).toEqual(readdirSync('functions').sort());
});

test.each(Object.entries(expectations))('%s has the expected outcome', async (fixture, expectation) => {
  const { invoke, store } = await createWorld();
  const event: unknown = JSON.parse(readFileSync(`events/${fixture}.json`, 'utf8'));
  const result = invoke(fixture.split('/')[0] as string, event);
  await expectation({ result, readJob: async () => store.jobs.get(FIXTURE_JOB_ID) });
});

/** Native ES modules, types stripped by Node itself: tests run the code that `npm start` runs. */
export default {
  testMatch: ['<rootDir>/tests/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/tests/strip-types.mjs' },
  // Those need something that npm doesn't install; each has a script of its own.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/tests/engines/'],
  modulePathIgnorePatterns: ['<rootDir>/.aws-sam/', '<rootDir>/.stryker-tmp/'],
  maxWorkers: 2,
  // Nothing is left in the machine's temporary folder.
  globalSetup: '<rootDir>/tests/global-setup.mjs',
  globalTeardown: '<rootDir>/tests/global-teardown.mjs',
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
};

/** Native ES modules, with types stripped by Node: tests run the same code as `npm start`. */
export default {
  testMatch: ['<rootDir>/tests/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/tests/strip-types.mjs' },
  // These tests need tools that npm doesn't install. Each has its own npm script.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/tests/engines/', '<rootDir>/tests/console/'],
  modulePathIgnorePatterns: ['<rootDir>/.aws-sam/', '<rootDir>/.stryker-tmp/'],
  maxWorkers: 2,
  // Create and remove a temporary folder, so that no files are left behind.
  globalSetup: '<rootDir>/tests/global-setup.mjs',
  globalTeardown: '<rootDir>/tests/global-teardown.mjs',
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
};

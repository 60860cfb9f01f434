import base from '../../jest.config.mjs';

/**
 * For a sandbox of Stryker: the unit tests alone, and the package by its sources, since `node_modules` leads out of the
 * sandbox, to sources without mutants.
 */
const { testMatch: _, globalSetup: __, globalTeardown: ___, ...config } = base;
export default {
  ...config,
  rootDir: '../..',
  roots: ['<rootDir>/layers', '<rootDir>/functions', '<rootDir>/tests'],
  moduleNameMapper: { '^@boomerang/core/(.*)$': '<rootDir>/packages/core/$1' },
  setupFiles: ['<rootDir>/tools/mutation/end-on-failure.mjs'],
  cacheDirectory: '<rootDir>/.jest-cache',
  // What hangs is killed, too, and need not be waited for as long as elsewhere.
  testTimeout: 2_000,
};

import base from '../../jest.config.mjs';

/**
 * For Stryker's sandbox: unit tests only. Maps the package to its sources in the sandbox, since the link in `node_modules` leads
 * to the original sources, without mutants.
 */
const { testMatch: _, globalSetup: __, globalTeardown: ___, ...config } = base;
export default {
  ...config,
  rootDir: '../..',
  roots: ['<rootDir>/packages', '<rootDir>/functions', '<rootDir>/tests'],
  moduleNameMapper: { '^@boomerang/core/(.*)$': '<rootDir>/packages/core/$1' },
  setupFiles: ['<rootDir>/tools/mutation/end-on-failure.mjs'],
  cacheDirectory: '<rootDir>/.jest-cache',
  // A mutant whose tests hang counts as killed, so a short timeout is enough.
  testTimeout: 2_000,
};

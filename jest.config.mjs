/** Native ES modules, types stripped by Node itself: tests run the code that `npm start` runs. */
export default {
  testMatch: ['<rootDir>/tests/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/tests/strip-types.mjs' },
  modulePathIgnorePatterns: ['<rootDir>/.aws-sam/'],
  maxWorkers: 2,
};

import fc from 'fast-check';

/**
 * A mutant is killed by the first counterexample: nobody reads the smallest. What is true of 25 runs, each mutant more, is true
 * of a hundred.
 */
fc.configureGlobal({ endOnFailure: true, numRuns: 25 });

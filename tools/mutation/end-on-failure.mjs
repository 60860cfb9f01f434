import fc from 'fast-check';

/** The first counterexample kills a mutant, so shrinking is wasted time. 25 runs per property, not 100, to save time per mutant. */
fc.configureGlobal({ endOnFailure: true, numRuns: 25 });

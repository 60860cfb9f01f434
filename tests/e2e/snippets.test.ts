import { testReceivers } from './snippet.ts';

// Python and Go: npm run test:snippets.
testReceivers([['docs/snippets/verify.mjs', [process.execPath, 'docs/snippets/verify.mjs']]]);

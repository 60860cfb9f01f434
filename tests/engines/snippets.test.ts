import { testReceivers } from '../e2e/snippet.ts';

/** Commands by snippet: JSON, from tools/engines/snippets.ts. */
testReceivers(JSON.parse(process.env.RECEIVERS ?? '[]') as [string, string[]][]);

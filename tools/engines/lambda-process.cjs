/**
 * Preloaded in each process that MiniStack starts for a Node function: adds features of Lambda that MiniStack lacks.
 */
const dns = require('node:dns');
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');

// API URLs have hosts below localhost. They are loopback (RFC 6761, section 6.3), but not every resolver knows that.
const toLoopback = (hostname) => (/(^|\.)localhost$/.test(hostname) ? 'localhost' : hostname);
const { lookup } = dns;
dns.lookup = (hostname, ...rest) => lookup(toLoopback(hostname), ...rest);

// MiniStack keeps a layer in its own folder instead of /opt.
const [layer] = (process.env._LAMBDA_LAYERS_DIRS ?? '').split(':');
const { readFileSync } = fs;
fs.readFileSync = (file, ...rest) =>
  readFileSync(layer && typeof file === 'string' ? file.replace(/^\/opt(?=\/)/, layer) : file, ...rest);
syncBuiltinESMExports();

// Identifies the calling function in the user agent (AWS SDKs reference, "Application ID").
const [, logicalId] = /([A-Z]\w*Function)-/.exec(process.env.AWS_LAMBDA_FUNCTION_NAME ?? '') ?? [];
if (logicalId) process.env.AWS_SDK_UA_APP_ID = logicalId;

/**
 * Loaded first in every process that MiniStack starts for a Node function: what Lambda has, and these processes lack.
 */
const dns = require('node:dns');
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');

// APIs have addresses under localhost, which is loopback (RFC 6761, 6.3), but not to every resolver.
const toLoopback = (hostname) => (/(^|\.)localhost$/.test(hostname) ? 'localhost' : hostname);
const { lookup } = dns;
dns.lookup = (hostname, ...rest) => lookup(toLoopback(hostname), ...rest);

// A layer is a folder of its own, instead of /opt.
const [layer] = (process.env._LAMBDA_LAYERS_DIRS ?? '').split(':');
const { readFileSync } = fs;
fs.readFileSync = (file, ...rest) =>
  readFileSync(layer && typeof file === 'string' ? file.replace(/^\/opt(?=\/)/, layer) : file, ...rest);
syncBuiltinESMExports();

// Requests say which function they are of, in the user agent (AWS SDKs reference, "Application ID").
const [, logicalId] = /([A-Z]\w*Function)-/.exec(process.env.AWS_LAMBDA_FUNCTION_NAME ?? '') ?? [];
if (logicalId) process.env.AWS_SDK_UA_APP_ID = logicalId;

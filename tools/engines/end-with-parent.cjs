/**
 * Runs a program that has no eye on who started it, and ends it once its own input ends: that is when whoever started it is gone, even
 * if that was killed.
 *
 * usage: node end-with-parent.cjs COMMAND [ARGUMENT …]
 */
const { spawn } = require('node:child_process');

const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
const end = () => child.kill();
process.stdin.on('end', end).on('error', end).resume();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
child.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
child.on('exit', (code) => process.exit(code ?? 1));

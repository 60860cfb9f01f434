/**
 * Runs a program, and ends it once stdin closes: that happens when the parent ends, even if it was killed. For programs that
 * can't be made to watch stdin themselves.
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

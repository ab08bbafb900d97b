/**
 * Runs a file or an installed tool on a current Node: the one that npm installed for this platform, or this one where it is new enough.
 * Plain JavaScript, because an old Node must be able to read it. npm 10 does not link the `node` of an optional package reliably, so it
 * is found by its path.
 */
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** From here on Node strips types by itself. */
const NEEDED_MAJOR = 24;

const project = fileURLToPath(new URL('..', import.meta.url));
const modules = join(project, 'node_modules');

function currentNode() {
  if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) return process.execPath;
  const { platform, arch } = process;
  const names = [`node-${platform === 'win32' ? 'win' : platform}-${arch}`, `node-bin-${platform}-${arch}`];
  const files = names.map((name) => join(modules, name, 'bin', platform === 'win32' ? 'node.exe' : 'node'));
  return files.find((file) => existsSync(file));
}

/** A path is taken as it is; a bare name is a tool among the installed ones. */
function scriptOf(name) {
  return name.includes('/') ? join(project, name) : realpathSync(join(modules, '.bin', name));
}

const [name, ...args] = process.argv.slice(2);
const node = currentNode();
if (name === undefined || node === undefined) {
  process.stderr.write(
    name === undefined
      ? 'usage: node scripts/on-current-node.mjs FILE-OR-TOOL [ARGUMENTS]\n'
      : `Node ${process.version} is too old to run edge-sts by itself, and npm has no newer one for ${process.platform} ${process.arch}: install Node ${NEEDED_MAJOR} or newer.\n`,
  );
  process.exit(2);
}

const path = [dirname(node), process.env['PATH'] ?? ''].join(delimiter);
const child = spawn(node, [scriptOf(name), ...args], { stdio: 'inherit', env: { ...process.env, PATH: path } });
// A terminal's Ctrl-C reaches the child by itself; whoever ends only this process must end the child as well.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
// npm's own shell passes no SIGTERM on: whoever ends npm by its id would leave the child running, and with it the port and the lock.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), 500).unref();
child.once('error', (fault) => {
  process.stderr.write(`${fault.message}\n`);
  process.exit(1);
});
child.once('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));

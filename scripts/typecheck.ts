/** Type-checks each room under the types of its own runtime; every room is checked, and one that fails fails the whole. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT_FOLDER = fileURLToPath(new URL('..', import.meta.url));

/** Core first, alone with the few globals it may use; then once more as part of the Worker. */
const ROOMS = ['src/core', 'src', 'src/client', 'src/local', 'src/cli', 'test', 'test/node'];

const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');

const failed = ROOMS.filter((room) => {
  const startedMs = performance.now();
  const { status } = spawnSync(process.execPath, [tsc, '-p', room], { cwd: PROJECT_FOLDER, stdio: 'inherit' });
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  process.stdout.write(`typecheck ${room}: ${status === 0 ? 'ok' : 'FAILED'} (${seconds} s)\n`);
  return status !== 0;
});

if (failed.length > 0) process.exitCode = 1;

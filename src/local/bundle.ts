/** The Worker as `wrangler deploy` would upload it: what is served here and tested in plain workerd is what goes into production. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdtempSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

export const PROJECT_FOLDER = fileURLToPath(new URL('../..', import.meta.url));
export const WRANGLER_CONFIG = join(PROJECT_FOLDER, 'wrangler.toml');

/** Nothing asked of the person, nothing sent, nothing fetched, nothing written into the home folder. */
export const QUIET_WRANGLER = {
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_WRITE_LOGS: 'false',
  XDG_CONFIG_HOME: join(PROJECT_FOLDER, '.wrangler', 'config'),
} as const;

/** Path of the one ES module. Kept under the hash of everything that goes into it, so only a change costs a build. */
export async function buildBundle(): Promise<string> {
  const shelf = join(PROJECT_FOLDER, '.wrangler', 'bundle');
  const kept = join(shelf, hashSources());
  const main = join(kept, 'worker.js');
  if (existsSync(main)) return main;
  mkdirSync(shelf, { recursive: true });
  const fresh = mkdtempSync(join(shelf, 'building-'));
  try {
    await runWrangler(['deploy', '--dry-run', '--outdir', fresh, '--config', WRANGLER_CONFIG]);
    putOnShelf(fresh, kept, main);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  clearShelf(shelf);
  return main;
}

function putOnShelf(fresh: string, kept: string, main: string): void {
  try {
    renameSync(fresh, kept);
  } catch (fault) {
    // Another process may have been faster; its build has the same sources.
    if (!existsSync(main)) throw fault;
  }
}

const KEPT_FOR_MS = 24 * 60 * 60 * 1_000;

function clearShelf(shelf: string): void {
  for (const name of readdirSync(shelf)) {
    const path = join(shelf, name);
    const madeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - madeMs > KEPT_FOR_MS) rmSync(path, { recursive: true, force: true });
  }
}

function hashSources(): string {
  const sources = globSync('src/**/*.{ts,tsx,json}', {
    cwd: PROJECT_FOLDER,
    exclude: ['src/local/**', 'src/client/**', 'src/cli/**'],
  });
  const hash = createHash('sha256');
  for (const file of [...sources.toSorted(), 'wrangler.toml', 'tsconfig.json', 'package-lock.json']) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(PROJECT_FOLDER, file)))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 32);
}

function runWrangler(args: readonly string[]): Promise<void> {
  const packageFile = createRequire(import.meta.url).resolve('wrangler/package.json');
  const child = spawn(process.execPath, [join(dirname(packageFile), 'bin', 'wrangler.js'), ...args], {
    cwd: PROJECT_FOLDER,
    env: { ...process.env, ...QUIET_WRANGLER, CI: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const keep = (chunk: Buffer): void => void (said += chunk.toString());
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else
        reject(
          new Error(
            `The Worker could not be built (wrangler ended with ${code}):\n${stripVTControlCharacters(said).trim()}`,
          ),
        );
    });
  });
}

/** `npm test`: all of vitest's projects, then one plain last line, so that a run that executed nothing shows. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QUIET_WRANGLER } from '../src/local/bundle.ts';
import { withoutKnownNoise } from './support/node/known-noise.ts';
import { tally } from './support/node/tally.ts';

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const config = fileURLToPath(new URL('vitest.config.ts', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'edge-sts-test-'));
const reportPath = join(folder, 'report.json');
const exitCode = await runVitest();
const { line, ok } = tally(readReport(), exitCode);
rmSync(folder, { recursive: true, force: true });
process.stdout.write(`${line}\n`);
process.exitCode = ok ? 0 : 1;

function runVitest(): Promise<number> {
  const args = ['run', '--config', config, '--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`];
  const child = spawn(process.execPath, [vitest, ...args, ...process.argv.slice(2)], {
    // On a terminal vitest redraws its own screen, and text that comes late through a pipe would be drawn over.
    stdio: ['inherit', 'inherit', process.stdout.isTTY ? 'inherit' : 'pipe'],
    // A log of a CI system is no terminal, though CI alone would bring out the colours.
    env: { ...process.env, ...QUIET_WRANGLER, ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }) },
  });
  if (child.stderr !== null) withoutKnownNoise(child.stderr, (said) => void process.stderr.write(`${said}\n`));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

/** Undefined where vitest died before it could write. */
function readReport(): string | undefined {
  try {
    return readFileSync(reportPath, 'utf8');
  } catch {
    return undefined;
  }
}

/** One run of vitest: what it counted, and whether anything that was written to a console in it holds a token, a key or a secret. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QUIET_WRANGLER } from '../../../src/local/bundle.ts';
import { withoutKnownNoise } from './known-noise.ts';
import { LOG_REPORT_VARIABLE, type LogReport } from './log-reporter.ts';
import { findingsIn } from './log-search.ts';
import { tally, type Tally } from './tally.ts';

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const logReporter = fileURLToPath(new URL('log-reporter.ts', import.meta.url));

export interface Run {
  readonly tally: Tally;
  readonly logs: LogReport;
}

export async function runVitest(config: string, args: readonly string[], stdout: 'inherit' | 'ignore'): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'edge-sts-test-'));
  const [reportPath, logPath] = [join(folder, 'report.json'), join(folder, 'logs.json')];
  /** What came past the consoles: the runtime's own complaints. */
  const diagnostics: string[] = [];
  try {
    const exitCode = await spawned();
    const counted = tally(readOrUndefined(reportPath), exitCode);
    // A test that fails shows what it got, which may be a token: that is vitest's word and no log, and the run is red already.
    return { tally: counted, logs: logsOf(readOrUndefined(logPath), counted.failed === 0 ? diagnostics : []) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }

  function spawned(): Promise<number> {
    const reporters = [
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportPath}`,
      `--reporter=${logReporter}`,
    ];
    const child = spawn(process.execPath, [vitest, 'run', '--config', config, ...reporters, ...args], {
      // On a terminal vitest redraws its own screen, and text that comes late through a pipe would be drawn over.
      stdio: ['inherit', stdout, process.stdout.isTTY ? 'inherit' : 'pipe'],
      // A log of a CI system is no terminal, though CI alone would bring out the colours.
      env: {
        ...process.env,
        ...QUIET_WRANGLER,
        ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }),
        [LOG_REPORT_VARIABLE]: logPath,
      },
    });
    if (child.stderr !== null) {
      withoutKnownNoise(child.stderr, (said) => {
        diagnostics.push(...findingsIn(said).map((what) => `the runtime's own output: ${what}`));
        if (stdout === 'inherit') process.stderr.write(`${said}\n`);
      });
    }
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 1));
    });
  }

  function logsOf(text: string | undefined, more: readonly string[]): LogReport {
    if (text === undefined) return { lines: 0, findings: ['nobody searched the logs', ...more] };
    const { lines, findings } = JSON.parse(text) as LogReport;
    return { lines, findings: [...findings, ...more] };
  }
}

/** Undefined where vitest died before it could write. */
function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** vitest's report → `N passed, N failed` and whether the run counts as good. Suspicious where vitest and its report disagree. */
import * as v from 'valibot';
import type { LogReport } from './log-reporter.ts';

const Report = v.object({
  numPassedTests: v.number(),
  numFailedTests: v.number(),
  numPendingTests: v.number(),
  numTodoTests: v.number(),
  testResults: v.array(v.object({ status: v.string(), assertionResults: v.array(v.object({ status: v.string() })) })),
});

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly line: string;
  readonly ok: boolean;
}

/** A whole run writes thousands of lines; where there are next to none, nothing was searched. */
const LEAST_LINES_OF_A_WHOLE_RUN = 2_000;

/** Each thing that stands in the logs and must not counts as a failed test. */
export function withLogs(
  { passed, failed, skipped }: Tally,
  { lines, findings }: LogReport,
  isWholeRun: boolean,
): Tally & { readonly complaints: readonly string[] } {
  const tooFew = isWholeRun && lines < LEAST_LINES_OF_A_WHOLE_RUN ? [`${lines} lines only: most were not heard`] : [];
  const complaints = [...findings, ...tooFew];
  return { ...count(passed, failed + complaints.length, skipped), complaints };
}

export function tally(reportJson: string | undefined, exitCode: number): Tally {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Report), reportJson);
  if (!parsed.success) return count(0, 1, 0);
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = parsed.output;
  // A file that could not even be loaded has no test of its own that failed.
  const brokenFiles = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.every((one) => one.status !== 'failed'),
  );
  const failed = numFailedTests + brokenFiles.length;
  // Unhandled errors fail the run without failing a test.
  const unexplained = exitCode !== 0 && failed === 0 ? 1 : 0;
  return count(numPassedTests, failed + unexplained, numPendingTests + numTodoTests);
}

function count(passed: number, failed: number, skipped: number): Tally {
  const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  return { passed, failed, skipped, line, ok: failed === 0 && passed > 0 };
}

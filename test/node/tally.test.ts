/** The last line of `npm test`: no way to look green without having run something. */
import { expect, test } from 'vitest';
import { tally, withLogs } from '../support/node/tally.ts';

const report = (passed: number, failed: number, skipped: number, files: readonly object[] = []): string =>
  JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: skipped,
    numTodoTests: 0,
    testResults: files,
  });

test.each([
  ['all green', report(3, 0, 0), 0, '3 passed, 0 failed', true],
  ['some red', report(3, 2, 0), 1, '3 passed, 2 failed', false],
  ['skipped ones are told', report(3, 0, 4), 0, '3 passed, 0 failed, 4 skipped', true],
  ['nothing ran', report(0, 0, 0), 0, '0 passed, 0 failed', false],
  ['an unhandled error', report(3, 0, 0), 1, '3 passed, 1 failed', false],
  [
    'a file that could not be loaded',
    report(3, 0, 0, [{ status: 'failed', assertionResults: [] }]),
    1,
    '3 passed, 1 failed',
    false,
  ],
  ['vitest died', undefined, 1, '0 passed, 1 failed', false],
  ['half a report', '{"numPassedTests": 3', 0, '0 passed, 1 failed', false],
] as const)('%s', (_, json, exitCode, line, ok) => {
  expect(tally(json, exitCode)).toMatchObject({ line, ok });
});

test.each([
  ['a clean log', { lines: 9_000, findings: [] }, true, '3 passed, 0 failed', true],
  ['a finding', { lines: 9_000, findings: ['x: a token'] }, true, '3 passed, 1 failed', false],
  ['a whole run that logged nothing', { lines: 0, findings: [] }, true, '3 passed, 1 failed', false],
  ['one file that logged nothing', { lines: 0, findings: [] }, false, '3 passed, 0 failed', true],
  ['nobody looked', { lines: 0, findings: ['nobody searched the logs'] }, false, '3 passed, 1 failed', false],
] as const)('%s', (_, logs, isWholeRun, line, ok) => {
  expect(withLogs(tally(report(3, 0, 0), 0), logs, isWholeRun)).toMatchObject({ line, ok });
});

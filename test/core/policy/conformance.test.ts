/** The public CEL conformance suite on the road that our conditions take: what passed goes on passing, and the page about it is true. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { report, withReport } from './cel-spec/report.ts';
import { judgeSuite } from './cel-spec/suite.ts';

const judged = judgeSuite();
const named = ({ file, section, test: name, reason }: (typeof judged)[number]): string =>
  `${file}/${section}/${name}: ${reason}`;

test('every failure is a known one, and every known one still fails', () => {
  expect(judged.filter(({ isSurprise }) => isSurprise).map(named)).toEqual([]);
});

test('the suite was really put', () => {
  const passed = judged.filter(({ outcome }) => outcome === 'passed');
  expect(passed.length).toBeGreaterThanOrEqual(1_170);
  expect(passed.filter(({ road }) => road === 'whole').length).toBeGreaterThanOrEqual(1_080);
  expect(judged.filter(({ outcome }) => outcome === 'failed').length).toBeLessThanOrEqual(7);
});

test('docs/design/cel-conformance.md says what `npm run cel:conformance` would write', () => {
  const page = readFileSync(new URL('../../../docs/design/cel-conformance.md', import.meta.url), 'utf8');
  expect(withReport(page, report(judged))).toBe(page);
});

/** The public CEL conformance suite (google/cel-spec, as it ships in npm), judged test by test. */
import { getConformanceSuite, type IncrementalTestSuite } from '@bufbuild/cel-spec/testdata/tests.js';
import { judge, type Road } from './judge.ts';
import { reasonFailed, reasonLeftOut } from './left-out.ts';
import type { SpecTest } from './values.ts';

export interface Judged {
  readonly file: string;
  readonly section: string;
  readonly test: string;
  readonly outcome: 'passed' | 'failed' | 'left out';
  readonly road: Road | undefined;
  readonly refusedEarly: boolean;
  /** Why it failed or was left out; a failure that nobody has explained says so. */
  readonly reason: string;
  /** A failure without an explanation, or an explanation without its failure. */
  readonly isSurprise: boolean;
}

export function judgeSuite(): readonly Judged[] {
  return getConformanceSuite().suites.flatMap((file) => testsOf(file, '').map((each) => judged(file.name, each)));
}

interface Each {
  readonly section: string;
  readonly test: string;
  readonly original: SpecTest;
}

function testsOf(suite: IncrementalTestSuite, section: string): readonly Each[] {
  const own = suite.tests.map(({ name, original }) => ({ section, test: name, original }));
  return [...own, ...suite.suites.flatMap((inner) => testsOf(inner, inner.name))];
}

function judged(file: string, { section, test, original }: Each): Judged {
  const name = `${file}/${section}/${test}`;
  const place = { file, section, test };
  const left = reasonLeftOut(name, original);
  if (left !== undefined) {
    return { ...place, outcome: 'left out', road: undefined, refusedEarly: false, reason: left, isSurprise: false };
  }
  const { passed, road, refusedEarly, detail } = judge(original);
  const known = reasonFailed(name);
  const outcome = passed ? 'passed' : 'failed';
  const reason = passed ? '' : (known ?? `UNEXPLAINED: ${detail}`);
  return { ...place, outcome, road, refusedEarly, reason, isSurprise: passed === (known !== undefined) };
}

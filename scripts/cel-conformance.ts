/** `npm run cel:conformance`: puts the CEL conformance suite to the policy engine and writes the outcome into docs/design/cel-conformance.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { report, withReport } from '../test/core/policy/cel-spec/report.ts';
import { judgeSuite } from '../test/core/policy/cel-spec/suite.ts';

const page = new URL('../docs/design/cel-conformance.md', import.meta.url);
const judged = judgeSuite();
writeFileSync(page, withReport(readFileSync(page, 'utf8'), report(judged)));

const count = (outcome: string): number => judged.filter((each) => each.outcome === outcome).length;
process.stdout.write(
  `${judged.length} tests: ${count('passed')} passed, ${count('failed')} failed, ${count('left out')} left out\n`,
);
const surprises = judged.filter(({ isSurprise }) => isSurprise);
for (const { file, section, test, outcome, reason } of surprises) {
  process.stderr.write(`unexpected: ${file}/${section}/${test} ${outcome} ${reason}\n`);
}
if (surprises.length > 0 || count('passed') === 0) process.exitCode = 1;

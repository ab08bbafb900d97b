/** `npm run fuzz:cel [-- CASES [SEED]]`: compares the policy engine with a second engine on many more expressions than the test run takes time for. */
import { fuzzCel } from '../test/core/policy/cel-fuzz/run.ts';

const CASES = 100_000;

const [cases = String(CASES), seed = String(Date.now() % 2 ** 31)] = process.argv.slice(2);
if (!/^[1-9][0-9]{0,8}$/.test(cases) || !/^-?[0-9]{1,10}$/.test(seed)) {
  process.stderr.write('usage: npm run fuzz:cel [-- CASES [SEED]]\n');
  process.exitCode = 2;
} else {
  const { expressions, same, partsOfASecond, onlyOurs, onlyTheirs, neither } = fuzzCel({
    cases: Number(cases),
    seed: Number(seed),
  });
  process.stdout.write(
    `seed ${seed}: ${expressions} expressions, ${same} with the same value in both, none with another; ` +
      `${partsOfASecond} differ in parts of a second only, ${onlyOurs} have a value here only, ${onlyTheirs} there only, ${neither} nowhere\n`,
  );
  // A run in which hardly anything was compared has looked at nothing.
  if (same * 2 < expressions) process.exitCode = 1;
}

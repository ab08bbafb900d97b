/** `npm run fuzz [-- CASES [SEED]]`: the properties of test/fuzz for many more cases than the test run takes time for. */
import { fuzz } from '../test/fuzz/run.ts';

const CASES = 100_000;

const [cases = String(CASES), seed = String(Date.now() % 2 ** 31)] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
if (!/^[1-9][0-9]{0,8}$/.test(cases) || !/^-?[0-9]{1,10}$/.test(seed)) {
  process.stderr.write('usage: npm run fuzz [-- CASES [SEED]]\n');
  process.exitCode = 2;
} else {
  const { cases: asked, granted, refused } = await fuzz({ cases: Number(cases), seed: Number(seed), say });
  say(`${asked} requests: ${granted} granted, ${refused} refused, each as it should be`);
}

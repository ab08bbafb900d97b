/** Lines that the test machinery writes about itself in every run: they say nothing about the tests and would bury what does. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

const NOISE = [
  // vitest asks for the inspector inside workerd, is told that there is none, and goes on.
  /^\[vitest-plugin\] "node:inspector", required from "[^"]*\/vitest\/dist\//,
  /^Fallback service failed to fetch module; .*rawSpecifier=node%3Ainspector$/,
  // Aborting objects is what a test of crashes does on purpose.
  /^exception = workerd\/api\/unsafe\.c\+\+:\d+: failed: jsg\.Error: Application called abortAllDurableObjects\(\)\.$/,
];

export function withoutKnownNoise(stream: Readable, tell: (line: string) => void): void {
  let inNoise = false;
  createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => {
    // The machine addresses of an exception that was dropped go with it.
    inNoise = NOISE.some((noise) => noise.test(line)) || (inNoise && line.startsWith('stack: '));
    if (!inNoise) tell(line);
  });
}

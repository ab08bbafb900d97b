/** What is dropped from the output of `npm test`: whole known lines, and nothing that stands near them. */
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { withoutKnownNoise } from '../support/node/known-noise.ts';

test('known noise goes, with the addresses that belong to it; a failure beside it stays', async () => {
  const stream = Readable.from([
    '[vitest-plugin] "node:inspector", required from "/p/node_modules/vitest/dist/chunks/inspector.1.js", is not available\n',
    'Fallback service failed to fetch module; payload = ; spec = /?specifier=node%3Ainspector&rawSpecifier=node%3Ainspector\nFAIL a',
    ' test\nexception = workerd/api/unsafe.c++:217: failed: jsg.Error: Application called abortAllDurableObjects().\n',
    'stack: /p/workerd@1 /p/workerd@2\nexception = workerd/io/worker.c++:1: failed: another\nstack: /p/workerd@3\n',
    '[vitest-plugin] Failed to require "node:inspector" from "/p/src/worker.ts".\nlast',
  ]);
  const told: string[] = [];
  withoutKnownNoise(stream, (line) => void told.push(line));
  await once(stream, 'close');
  expect(told).toEqual([
    'FAIL a test',
    'exception = workerd/io/worker.c++:1: failed: another',
    'stack: /p/workerd@3',
    '[vitest-plugin] Failed to require "node:inspector" from "/p/src/worker.ts".',
    'last',
  ]);
});

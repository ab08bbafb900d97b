#!/usr/bin/env node
/** The `edge-sts` of package.json: the command line, on a current Node. Plain JavaScript, because an old Node must be able to read it. */
import * as module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

if (process.features.typescript) {
  // A third of the time that a Tab takes; where nothing can be written, nothing is kept.
  module.enableCompileCache?.(join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'edge-sts', 'compiled'));
  await import('../src/cli/main.ts');
} else {
  process.argv.splice(2, 0, 'src/cli/main.ts');
  await import('./on-current-node.mjs');
}

#!/usr/bin/env node
/** The `edge-sts` of package.json: the command line, on a current Node. Plain JavaScript, because an old Node must be able to read it. */
if (process.features.typescript) await import('../src/cli/main.ts');
else {
  process.argv.splice(2, 0, 'src/cli/main.ts');
  await import('./on-current-node.mjs');
}

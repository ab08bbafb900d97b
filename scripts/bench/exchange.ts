/**
 * `npm run bench`: the bundle of production in plain workerd, under load over loopback, in alternating rounds with what it is held against.
 * docs/performance.md says what the figures mean and what they cannot say. Ends by itself; everything it starts, it ends.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildBundle, PROJECT_FOLDER } from '../../src/local/bundle.ts';
import { HELP, readOptions } from './options.ts';
import { plotOf } from './plot.ts';
import { type Measured, measure } from './sections.ts';
import { tableOf } from './table.ts';

const options = readOptions(process.argv.slice(2));
if (typeof options === 'string') {
  (options === HELP ? process.stdout : process.stderr).write(`${options}\n`);
  process.exitCode = options === HELP ? 0 : 2;
} else if (process.platform === 'linux') {
  const measured = await measure(options, (line) => process.stderr.write(`${line}\n`));
  const bundleBytes = gzipSync(readFileSync(await buildBundle()), { level: 9 }).byteLength;
  const machine = machineOf();
  const bundle = { section: 'bundle', name: 'bundle, gzip', value: bundleBytes / 1_024, unit: 'KiB' };
  const whole: Measured = { ...measured, figures: [...measured.figures, bundle] };
  process.stdout.write(
    options.json ? `${JSON.stringify({ machine, options, ...whole }, undefined, 2)}\n` : tableOf(machine, whole),
  );
  if (options.plot) writeFileSync(join(PROJECT_FOLDER, 'docs', 'performance.svg'), plotOf(whole.summaries));
} else {
  process.stderr.write('npm run bench reads CPU times from /proc, so it needs Linux.\n');
  process.exitCode = 2;
}

function machineOf(): Readonly<Record<string, string>> {
  const versionOf = (name: string): string => {
    const found: unknown = JSON.parse(readFileSync(join(PROJECT_FOLDER, 'node_modules', name, 'package.json'), 'utf8'));
    return typeof found === 'object' && found !== null && 'version' in found ? String(found.version) : '?';
  };
  return {
    time: new Date().toISOString(),
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? '?'}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    linux: release(),
    node: process.versions.node,
    workerd: versionOf('workerd'),
    hono: versionOf('hono'),
    jose: versionOf('jose'),
    'oidc-provider': versionOf('oidc-provider'),
  };
}

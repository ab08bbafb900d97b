/** The README's first steps, pasted line by line into an empty folder beside a fresh broker; docs/first-steps.md is what they print. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { probePort } from '../../src/local/port.ts';
import { BINARY } from './cli-support.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TRANSCRIPT = join(ROOT, 'docs', 'first-steps.md');
const HEAD = `# First steps, as they went

The [README](../README.md)'s first steps in an empty clone, with \`npm start\` in another terminal. \`UPDATE_TRANSCRIPT=1 npm test -- first-steps\` writes this page anew; without it the test compares.

`;

const block =
  /## First steps\n[\s\S]+?```sh\n([\s\S]+?)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[1] ?? '';
const lines = block
  .trim()
  .split('\n')
  .map((line) => line.replace(/ +#.*$/, ''));

/** What differs each time: hours and what hangs on them, ids, keys. */
function settled(text: string): string {
  return text
    .replaceAll(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, 'TIME')
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID')
    .replaceAll(/\b(iat|nbf|exp): \d+/g, '$1: SECONDS')
    .replaceAll(/→ (true|false)/g, '→ ANSWER')
    .replaceAll(/kid: \S+/g, 'kid: KID')
    .replaceAll(/\((in )?\d+ s( ago)?\)/g, '(SECONDS)')
    .replaceAll(/ +/g, ' ');
}

it('the first steps of the README, without reading any source', async () => {
  expect(lines.length).toBeGreaterThanOrEqual(6);
  const folder = mkdtempSync(join(tmpdir(), 'edge-sts-first-steps-'));
  symlinkSync(join(ROOT, 'examples'), join(folder, 'examples'));
  const state = join(folder, '.edge-sts', 'state');
  const port = String(await probePort(0));
  const origin = `http://127.0.0.1:${port}`;
  const broker = spawn(process.execPath, [join(ROOT, 'src/local/start.ts')], {
    cwd: folder,
    env: { ...process.env, EDGE_STS_STATE: state, PORT: port },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  broker.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise((resolve) => void broker.once('close', resolve));
  try {
    for (let waited = 0; waited < 40_000 && !said.includes('edge-sts check'); waited += 100) await sleep(100);
    // In a clone the port is the usual one, and `npx` finds the package's own command.
    const env = { PATH: process.env['PATH'] ?? '', HOME: folder, TZ: 'UTC', EDGE_STS_SERVER: origin };
    const npx = `npx() { shift; '${process.execPath}' '${BINARY}' "$@"; }`;
    const steps = lines.map((line) => {
      const { stdout, status } = spawnSync('sh', ['-c', `${npx}\n{ ${line}; } 2>&1`], {
        cwd: folder,
        env,
        encoding: 'utf8',
      });
      return { line, stdout: stdout.replaceAll(origin, 'http://127.0.0.1:8787').replaceAll(folder, '~'), status };
    });
    expect(steps.map(({ status }) => status)).toEqual([0, 0, 0, 0, 3, 1]);
    expect(steps.map(({ stdout }) => stdout)).toEqual([
      expect.stringContaining('context "local" is set up'),
      expect.stringContaining('target/orders created'),
      'No differences.\n',
      expect.stringMatching(/^verified by[\s\S]+aud: https:\/\/orders\.example\.com[\s\S]+roles\/orders\.writer/),
      expect.stringContaining('edge-sts: exchange: invalid_target'),
      expect.stringMatching(/^No: this would be refused\.[\s\S]+refused: no binding on/),
    ]);
    const page = `${HEAD}${steps.map(({ line, stdout }) => `\`\`\`console\n$ ${line}\n${stdout.trimEnd()}\n\`\`\`\n`).join('\n')}`;
    if (process.env['UPDATE_TRANSCRIPT'] === '1') writeFileSync(TRANSCRIPT, page);
    expect(settled(readFileSync(TRANSCRIPT, 'utf8'))).toBe(settled(page));
  } finally {
    broker.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
});

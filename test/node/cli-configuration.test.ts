/** The example layouts, as somebody works with them: apply, an empty diff, a change, its diff, apply, the history, a restore, and the way back. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { startWorld, type World } from '../support/node/demo-world.ts';
import { newAdministrator, type Person, type Ran } from './cli-support.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
const LAYOUTS = {
  'one-team': {
    owner: 'orders-team',
    file: 'team.yaml',
    from: 'maxLifetime: 900s',
    to: 'maxLifetime: 1200s',
    resource: 'target/orders',
    lines: ['- maxLifetime: 900s', '+ maxLifetime: 1200s'],
  },
  'many-clusters': {
    owner: 'platform-team',
    file: 'ledger.yaml',
    from: 'ledger.entries.create, ledger.entries.list]',
    to: 'ledger.entries.create]',
    resource: 'role/ledger.writer',
    lines: ['-   - ledger.entries.list'],
  },
  'ci-only': {
    owner: 'ci',
    file: 'ci.yaml',
    from: '"1234567"',
    to: '"7654321"',
    resource: 'provider/github/actions',
    lines: [
      '- attributeCondition: assertion.repository_owner_id == "1234567"',
      '+ attributeCondition: assertion.repository_owner_id == "7654321"',
    ],
  },
} as const;

let world: World;
let admin: Person;

beforeAll(async () => {
  world = await startWorld();
  admin = await newAdministrator(world.broker, 'world');
});
afterAll(async () => {
  admin?.leave();
  await world?.broker.stop();
});

const run = (...args: readonly string[]): Promise<Ran> => admin.run(args);

/** What must succeed, or differ. */
async function did(code: number, ...args: readonly string[]): Promise<string> {
  const ran = await run(...args);
  expect(ran, ran.stderr).toMatchObject({ code });
  return ran.stdout;
}

async function newestSequence(project: string): Promise<string> {
  const ran = await run('history', 'list', '-p', project, '--limit', '1', '--json');
  return ran.json<{ sequence: string }[]>()[0]?.sequence ?? '';
}

function edit(path: string, from: string, to: string): void {
  const text = readFileSync(path, 'utf8');
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
}

describe.each(Object.entries(LAYOUTS))('examples/%s', (layout, { owner, file, from, to, resource, lines }) => {
  it('is applied, changed, and taken back', async () => {
    const project = `${layout}-x`;
    await world.must('POST', '/v1/projects', { projectId: project });
    const folder = join(admin.home, layout);
    cpSync(join(EXAMPLES, layout), folder, { recursive: true });
    const files = ['-f', folder, '-p', project];
    expect(await did(EXIT.no, 'diff', ...files)).toContain('(new)');
    expect(await did(EXIT.ok, 'apply', ...files)).toMatch(/^(.+ (created|changed|adopted.*)\n)+$/);
    const first = await newestSequence(project);
    expect(await did(EXIT.ok, 'diff', ...files)).toBe('No differences.\n');
    expect(await did(EXIT.ok, 'apply', ...files)).toBe('Nothing to change.\n');
    edit(join(folder, file), from, to);
    const shown = await did(EXIT.no, 'diff', ...files);
    const changed = shown
      .split('\n')
      .filter((line) => /^ {2}[-+] /.test(line))
      .map((line) => line.trim());
    expect(changed).toEqual(lines);
    expect(shown).toContain(`${resource} (changed)`);
    expect((await run('diff', ...files, '-o', 'name')).stdout).toBe(`${resource}\n`);
    expect(await did(EXIT.ok, 'apply', ...files)).toBe(`${resource} changed\n`);
    const history = await did(EXIT.ok, 'history', 'list', '-p', project, '--limit', '1');
    expect(history).toMatch(new RegExp(`configuration\\.apply .*${resource.replaceAll('.', '\\.')}`));
    await did(EXIT.ok, 'history', 'restore', first, '-p', project);
    expect(await did(EXIT.no, 'diff', ...files)).toBe(shown);
    edit(join(folder, file), to, from);
    expect(await did(EXIT.ok, 'diff', ...files)).toBe('No differences.\n');
    const exported = await did(EXIT.ok, 'export', '-p', project);
    const copy = admin.file(`${layout}.yaml`, exported);
    expect(await did(EXIT.ok, 'diff', '-f', copy)).toBe('No differences.\n');
    const own = await did(EXIT.ok, 'export', '-p', project, '--owner', owner);
    expect(await did(EXIT.ok, 'diff', '-f', admin.file(`${layout}-own.yaml`, own))).toBe('No differences.\n');
  });
});

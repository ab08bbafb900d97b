/** Files with faults, files that do not belong together, a kill in the middle: everything is told with its place, and nothing is changed. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { startWorld, type World } from '../support/node/demo-world.ts';
import { newAdministrator, type Person } from './cli-support.ts';

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

const FIVE = `kind: Configuration
owner: faulty
---
kind: Target
name: fine
spec:
  uri: https://fine.example.com
---
kind: Target
name: lifetime
spec:
  uri: https://lifetime.example.com
  maxLifetime: 900
---
kind: Role
name: reader
spec:
  includedPermissions:
    - orders.get
    - "orders.*"
---
kind: AllowPolicy
on: target/fine
spec:
  bindings:
    - role: projects/\${project.id}/roles/reader
      members: [nobody@example.com]
      condition:
        expression: request.time <
---
kind: Provider
name: cluster-one
colour: blue
`;

async function targets(): Promise<unknown> {
  const ran = await admin.run(['get', 'targets', '--json']);
  return ran.json<unknown>();
}

describe('a file with five faults', () => {
  it('names all five with file, line and column, and changes nothing', async () => {
    const before = await targets();
    const path = admin.file('five.yaml', FIVE);
    for (const verb of ['apply', 'diff']) {
      // oxlint-disable-next-line no-await-in-loop -- one broker
      const ran = await admin.run([verb, '-f', path]);
      expect(ran).toMatchObject({ code: EXIT.usage, stdout: '' });
      const places = ran.stderr
        .split('\n')
        .slice(1)
        .map((line) => line.trim().replace(`${path}:`, '').replace(/: .*/, ''));
      expect(places).toEqual(['13:3', '20:7', '27:17', '29:9', '33:1', '']);
      expect(ran.stderr).toContain('5 faults; nothing was changed.');
    }
    expect(await targets()).toEqual(before);
  });

  it('of YAML itself is told in the same way', async () => {
    const path = admin.file('broken.yaml', 'kind: Target\nname: one\nname: two\n---\nkind: Target\nname: "open\n');
    const ran = await admin.run(['diff', '-f', path]);
    expect(ran.code).toBe(EXIT.usage);
    expect(ran.stderr).toContain(`${path}:3:1: Map keys must be unique`);
    expect(ran.stderr).toMatch(/broken\.yaml:[67]:\d+: Missing closing "quote/);
  });
});

describe('what is refused as a whole', () => {
  it.each([
    ['a folder without files', () => join(admin.home, 'empty'), 'holds no .yaml file'],
    ['a file that is not there', () => join(admin.home, 'none.yaml'), 'cannot be read'],
    ['a list', () => admin.file('list.yaml', '- kind: Target\n'), ':1:1: a document is a mapping'],
    ['an unknown kind', () => admin.file('kind.yaml', 'kind: Cluster\n'), ':1:1: kind must be one of'],
    [
      'a resource twice',
      () =>
        admin.file('twice.yaml', 'kind: Target\nname: a-1\nspec: {uri: "https://a"}\n---\nkind: Target\nname: a-1\n'),
      ':5:1: target/a-1 is there already',
    ],
    ['aliases without end', () => admin.file('aliases.yaml', BOMB), 'alias'],
    ['keys from elsewhere', () => outside(), 'lies outside the folder'],
    [
      'keys from nowhere',
      () => admin.file('nowhere.yaml', KEYS('none.json')),
      ':6:5: jwksFile none.json does not exist',
    ],
  ])('is %s', async (_what, path, words) => {
    mkdirSync(join(admin.home, 'empty'), { recursive: true });
    const ran = await admin.run(['apply', '-f', path()]);
    expect(ran).toMatchObject({ code: EXIT.usage, stdout: '' });
    expect(ran.stderr).toContain(words);
  });

  it('what somebody changed while it was looked at', async () => {
    const path = admin.file('race.yaml', 'kind: Target\nname: race\nspec: {uri: "https://race.example.com"}\n');
    // Between the look and the change stands a second administrator, quick as he is.
    const front = await inFront(async (body) => {
      if (body.includes('"etag"'))
        await world.must('POST', `/v1/projects/${world.projectNumber}/targets?targetId=race`, {
          uri: 'https://other.example.com',
        });
    });
    const ran = await admin.run([
      'apply',
      '-f',
      path,
      '--server',
      front.origin,
      '--token-file',
      join(admin.home, 'token'),
      '-p',
      'world',
    ]);
    expect(ran).toMatchObject({ code: EXIT.refused });
    expect(ran.stderr).toContain('ABORTED');
    front.close();
    expect(JSON.stringify(await targets())).not.toContain('https://race.example.com');
  });
});

describe('a large configuration', () => {
  // Few and large: two megabytes of tags.
  const tags = Array.from({ length: 40 }, (_, index) => `    tag-${index}: ${'x'.repeat(250)}\n`).join('');
  const many = (count: number): string =>
    Array.from(
      { length: count },
      (_, index) =>
        `kind: Target\nname: many-${index}\nspec:\n  uri: https://many-${index}.example.com\n  tags:\n${tags}`,
    ).join('---\n');

  it('whose command is killed between its parts changes nothing; once more, it is all there', async () => {
    const path = admin.file('many.yaml', `kind: Configuration\nowner: many\n---\n${many(200)}`);
    let parts = 0;
    const front = await inFront(async (_body, url) => {
      if (url.includes(':stage')) parts += 1;
      // The second part comes, and then nothing more of this process.
      if (parts === 2) running.child.kill('SIGKILL');
    });
    const running = admin.start([
      'apply',
      '-f',
      path,
      '--server',
      front.origin,
      '--token-file',
      join(admin.home, 'token'),
      '-p',
      'world',
    ]);
    expect(await running.ended).toMatchObject({ code: null });
    front.close();
    expect(parts).toBe(2);
    expect(JSON.stringify(await targets())).not.toContain('many-1.example.com');
    const ran = await admin.run(['apply', '-f', path]);
    expect(ran).toMatchObject({ code: EXIT.ok, stderr: '' });
    expect(ran.stdout.split('\n')).toHaveLength(201);
    expect(await admin.run(['diff', '-f', path])).toMatchObject({ code: EXIT.ok, stdout: 'No differences.\n' });
    const nothing = admin.file('nothing.yaml', 'kind: Configuration\nowner: many\n');
    expect(await admin.run(['apply', '-f', nothing])).toMatchObject({ code: EXIT.ok });
    expect(JSON.stringify(await targets())).not.toContain('many-');
  });
});

const BOMB = `kind: Target
name: bomb
spec:
  a: &a [x, x, x, x, x, x, x, x, x]
  b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
  c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]
  d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]
  e: [*d, *d, *d, *d, *d, *d, *d, *d, *d]
`;

const KEYS = (file: string): string =>
  `kind: Provider\nname: keys-1\nspec:\n  kubernetes:\n    clusterUri: https://clusters.example.com/keys\n    jwksFile: ${file}\n`;

/** By a link, which a look at the name alone would not see. */
function outside(): string {
  mkdirSync(join(admin.home, 'fenced'), { recursive: true });
  writeFileSync(join(admin.home, 'secret.json'), '{}');
  symlinkSync(join(admin.home, 'secret.json'), join(admin.home, 'fenced', 'keys.json'));
  return admin.file('fenced/keys.yaml', KEYS('keys.json'));
}

/** Somebody on the way, who may do something before each request goes on. */
async function inFront(
  before: (body: string, url: string) => Promise<void>,
): Promise<{ origin: string; close(): void }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const { method = 'GET', url = '/' } = request;
      const headers = { authorization: request.headers.authorization ?? '', 'content-type': 'application/json' };
      void before(body, url)
        .then(async () => fetch(world.broker.origin + url, { method, headers, ...(body === '' ? {} : { body }) }))
        .then(async (answer) => {
          response.writeHead(answer.status, { 'content-type': 'application/json' });
          response.end(await answer.text());
        })
        .catch(() => response.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What holds for every command: help with an example, JSON, exit codes, completion, colours. */
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { createProgram } from '../../src/cli/program.ts';
import { processWorld } from '../../src/cli/process-world.ts';
import { newPerson, type Person } from './cli-support.ts';

let person: Person;
beforeAll(() => {
  person = newPerson();
});
afterAll(() => person.leave());

interface Named {
  readonly path: readonly string[];
  readonly command: Command;
}

function commandsBelow(command: Command, path: readonly string[] = []): readonly Named[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help')
    .flatMap((one) => {
      const here = [...path, one.name()];
      return [{ path: here, command: one }, ...commandsBelow(one, here)];
    });
}

const ALL = commandsBelow(createProgram(processWorld()));

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

it('there are the commands that the manual names, and it names all of them', () => {
  const manual = readFileSync(fileURLToPath(new URL('../../docs/cli.md', import.meta.url)), 'utf8');
  const leaves = ALL.filter(({ command }) => command.commands.length === 0).map(({ path }) => path.join(' '));
  expect(leaves.length).toBeGreaterThan(25);
  expect(leaves.filter((name) => !manual.includes(`\`${name}`))).toEqual([]);
});

it.each(ALL.map((one) => [one.path.join(' '), one] as const))(
  '%s: help with an example, -o and --json',
  (name, { command }) => {
    const help = helpOf(command);
    expect(help).toMatch(/Examples:\n {2}[$#]/);
    expect(help).toContain(`edge-sts ${name.split(' ')[0]}`);
    expect(help).toContain('--json');
    expect(help).toContain('Exit codes:');
    expect(command.description().length).toBeGreaterThan(10);
    // What would put a secret into an argument list has no option to do so.
    const flags = command.options.map(({ long }) => long);
    expect(flags.filter((flag) => /token|secret|password/.test(flag ?? '') && !/file/.test(flag ?? ''))).toEqual([]);
  },
);

it('--help ends with 0 on stdout, a wrong word with 2 on stderr and a suggestion', async () => {
  const help = await person.run(['history', '--help']);
  expect(help).toMatchObject({ code: EXIT.ok, stderr: '' });
  expect(help.stdout).toContain('compare');
  const wrong = await person.run(['histroy']);
  expect(wrong).toMatchObject({ code: EXIT.usage, stdout: '' });
  expect(wrong.stderr).toContain('Did you mean history?');
  const option = await person.run(['get', 'projects', '--nonsense']);
  expect(option.code).toBe(EXIT.usage);
});

describe('exit codes', () => {
  let server: Server;
  let origin = '';
  let answer: { readonly status: number; readonly body: string } = { status: 200, body: '{}' };
  beforeAll(async () => {
    server = createServer((_request, response) => {
      response
        .writeHead(answer.status, { 'x-request-id': 'r-1', location: 'https://elsewhere.example/' })
        .end(answer.body);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });
  afterAll(() => void server.close());

  const status = (code: number, name: string): { status: number; body: string } => ({
    status: code,
    body: JSON.stringify({ error: { code, status: name, message: 'said so' } }),
  });

  it.each([
    ['a list', { status: 200, body: '{"projects":[]}' }, EXIT.ok, ''],
    ['not signed in', status(401, 'UNAUTHENTICATED'), EXIT.refused, 'edge-sts login'],
    ['no permission', status(403, 'PERMISSION_DENIED'), EXIT.refused, 'edge-sts whoami'],
    ['a conflict', status(409, 'ABORTED'), EXIT.refused, 'read it again'],
    ['not there', status(404, 'NOT_FOUND'), EXIT.notFound, 'request id: r-1'],
    ['too much', status(429, 'RESOURCE_EXHAUSTED'), EXIT.unavailable, 'said so'],
    ['away', status(503, 'UNAVAILABLE'), EXIT.unavailable, 'said so'],
    ['a gateway', { status: 502, body: '<html>bad gateway</html>' }, EXIT.unavailable, 'HTTP 502'],
    ['a redirect', { status: 302, body: '' }, EXIT.refused, 'follows no redirect'],
  ] as const)('%s', async (_name, given, code, said) => {
    answer = given;
    const ran = await person.run(['get', 'projects', '--server', origin, '--json']);
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code, stderr: expect.stringContaining(said) });
  });

  it('nobody listens', async () => {
    const ran = await person.run(['get', 'projects', '--server', 'http://127.0.0.1:9']);
    expect(ran).toMatchObject({ code: EXIT.unavailable, stdout: '' });
    expect(ran.stderr).toContain('cannot be reached');
  });

  it('each field that is wrong is named', async () => {
    const fieldViolations = [{ field: 'uri', description: 'must be absolute' }];
    answer = {
      status: 400,
      body: JSON.stringify({
        error: { code: 400, status: 'INVALID_ARGUMENT', message: 'wrong', details: [{ fieldViolations }] },
      }),
    };
    const ran = await person.run(['get', 'projects', '--server', origin]);
    expect(ran).toMatchObject({ code: EXIT.refused });
    expect(ran.stderr).toContain('uri: must be absolute');
  });

  it('what a stranger wrote cannot repaint the terminal', async () => {
    const esc = '\u001b[2J\u001b[31m';
    answer = { status: 200, body: JSON.stringify({ projects: [{ projectId: `x${esc}`, state: 'ACTIVE\u202e' }] }) };
    const table = await person.run(['get', 'projects', '--server', origin]);
    expect(table.stdout).not.toContain('\u001b');
    expect(table.stdout).not.toContain('\u202e');
    expect(table.stdout).toContain(String.raw`x\u{1b}[2J\u{1b}[31m`);
    answer = status(403, `DENIED${esc}`);
    expect((await person.run(['get', 'projects', '--server', origin])).stderr).not.toContain('\u001b');
  });
});

it('-o and --json that contradict each other are wrong usage, and so is nonsense', async () => {
  expect(await person.run(['keys', 'from-pem', '-', '--json', '-o', 'yaml'], { input: 'x' })).toMatchObject({
    code: EXIT.usage,
  });
  expect(await person.run(['get', 'projects', '-o', 'xml'])).toMatchObject({ code: EXIT.usage, stdout: '' });
  expect(await person.run(['get', 'nonsense/x', '--server', 'http://127.0.0.1:9', '-p', 'demo'])).toMatchObject({
    code: EXIT.usage,
  });
});

it.each([
  [['g'], ['get']],
  [
    ['history', ''],
    ['compare', 'help', 'list', 'restore', 'show'],
  ],
  [
    ['get', 'projects', '-o', ''],
    ['json', 'name', 'table', 'yaml'],
  ],
  [['completion', 'z'], ['zsh']],
  [['quota', 'ask', 'x', '--of', 'c'], ['credentials']],
  [['history', 'restore', '4', '--dry'], ['--dry-run']],
])('completes %j', async (words, expected) => {
  const ran = await person.run(['__complete', '--', ...words]);
  expect(ran.stdout.trim().split('\n')).toEqual(expected);
});

it('bash takes the script and completes with it', async () => {
  const script = (await person.run(['completion', 'bash'])).stdout;
  const { spawnSync } = await import('node:child_process');
  const asked = `edge-sts() { "${process.execPath}" "${fileURLToPath(new URL('../../scripts/edge-sts.mjs', import.meta.url))}" "$@"; }
${script}
COMP_WORDS=(edge-sts hist); COMP_CWORD=1; _edge_sts; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, status } = spawnSync('bash', ['-c', asked], { env: person.env, encoding: 'utf8' });
  expect({ stdout, status }).toEqual({ stdout: 'history\n', status: 0 });
});

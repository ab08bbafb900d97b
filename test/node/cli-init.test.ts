/** init and what comes after it: secrets that stay secrets, a dry run of the deployment, and the same secrets in a broker on this machine. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { startBroker } from '../../src/local/broker.ts';
import { hearForTheSearch } from '../support/node/demo-world.ts';
import { newPerson, type Person } from './cli-support.ts';

const ORIGIN = 'https://sts.example.com';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let person: Person;
let secrets = '';
beforeEach(() => {
  person = newPerson();
  secrets = join(person.home, '.edge-sts', 'secrets.env');
});
afterEach(() => person.leave());

const lines = (): Record<string, string> =>
  Object.fromEntries(
    readFileSync(secrets, 'utf8')
      .split('\n')
      .filter((line) => /^[A-Z]/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

it('makes the secrets once, for their owner only, and prints none of them', async () => {
  const ran = await person.run(['init', '--origin', ORIGIN, '-p', 'my-project']);
  expect(ran).toMatchObject({ code: EXIT.ok, stderr: '' });
  expect(statSync(secrets).mode & 0o777).toBe(0o600);
  expect(statSync(join(person.home, '.edge-sts')).mode & 0o777).toBe(0o700);
  const made = lines();
  expect(Buffer.from(made['EDGE_STS_KEK'] ?? '', 'base64')).toHaveLength(32);
  expect(made['EDGE_STS_ADMIN_TOKEN']?.length).toBeGreaterThanOrEqual(43);
  expect(made['PUBLIC_ORIGIN']).toBe(ORIGIN);
  for (const secret of [made['EDGE_STS_KEK'], made['EDGE_STS_ADMIN_TOKEN']]) expect(ran.stdout).not.toContain(secret);
  expect(ran.stdout).toContain('npx wrangler deploy --secrets-file .edge-sts/secrets.env');
  expect(ran.stdout).toContain(`npx edge-sts login ${ORIGIN} --secrets-file -p my-project`);
  const again = await person.run(['init', '--json']);
  expect(again.json()).toMatchObject({ added: [] });
  expect(lines()).toEqual(made);
});

it('adds what is missing, keeps what somebody wrote, and never renames a deployment', async () => {
  await person.run(['init']);
  const before = lines();
  expect(before['PUBLIC_ORIGIN']).toBeUndefined();
  writeFileSync(secrets, `${readFileSync(secrets, 'utf8')}ACCESS_TEAM_DOMAIN=acme.cloudflareaccess.com\n`);
  const added = await person.run(['init', '--origin', ORIGIN, '--json']);
  expect(added.json()).toMatchObject({ added: ['PUBLIC_ORIGIN'] });
  expect(lines()).toEqual({ ...before, ACCESS_TEAM_DOMAIN: 'acme.cloudflareaccess.com', PUBLIC_ORIGIN: ORIGIN });
  const other = await person.run(['init', '--origin', 'https://other.example.com']);
  expect(other).toMatchObject({ code: EXIT.usage });
  expect(lines()['PUBLIC_ORIGIN']).toBe(ORIGIN);
});

it.each([
  [['--origin', 'http://sts.example.com'], 'https'],
  [['--origin', 'http://127.0.0.1:8787'], 'https'],
  [['--origin', 'https://sts.example.com:8443'], 'without a port'],
  [['--origin', 'https://sts.example.com/path'], 'only the origin'],
  [['-p', 'No_Project'], 'no project id'],
])('%j is wrong usage, and nothing is made', async (args, said) => {
  const ran = await person.run(['init', ...args]);
  expect(ran).toMatchObject({ code: EXIT.usage, stdout: '' });
  expect(ran.stderr).toContain(said);
  expect(existsSync(secrets)).toBe(false);
});

const hasGit = spawnSync('git', ['--version']).status === 0;

// A machine without git has nothing to ignore.
it.skipIf(!hasGit)('git does not take the file', async () => {
  const git = (...args: readonly string[]): string =>
    spawnSync('git', args, { cwd: person.home, encoding: 'utf8' }).stdout;
  git('init');
  expect((await person.run(['init', '--json'])).json()).toMatchObject({ gitIgnored: true });
  git('add', '--all');
  expect(git('status', '--short')).toContain('.gitignore');
  expect(git('status', '--short')).not.toContain('secrets.env');
});

it('the dry run of the deployment takes the file that init made', async () => {
  await person.run(['init', '--origin', ORIGIN]);
  const out = mkdtempSync(join(tmpdir(), 'edge-sts-dry-run-'));
  const ran = spawnSync(
    process.execPath,
    ['scripts/on-current-node.mjs', 'wrangler', 'deploy', '--dry-run', '--outdir', out, '--secrets-file', secrets],
    {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', XDG_CONFIG_HOME: person.home, CI: 'true' },
    },
  );
  expect({ status: ran.status, stderr: ran.stderr }).toMatchObject({ status: 0 });
  for (const binding of ['env.CACHE', 'env.REGISTRY', 'env.QUOTA', 'env.KEY_RING', 'env.ISSUER_KEYS'])
    expect(ran.stdout).toContain(binding);
  expect(existsSync(join(out, 'worker.js'))).toBe(true);
  for (const secret of [lines()['EDGE_STS_KEK'] ?? '', lines()['EDGE_STS_ADMIN_TOKEN'] ?? '']) {
    expect(secret).not.toBe('');
    expect(ran.stdout + ran.stderr).not.toContain(secret);
    expect(readFileSync(join(out, 'worker.js'), 'utf8')).not.toContain(secret);
  }
  rmSync(out, { recursive: true, force: true });
});

it("with these secrets a broker is ready, and init's own next commands work", async () => {
  await person.run(['init', '--origin', ORIGIN]);
  const made = lines();
  const broker = await startBroker({
    variables: { ...made, EDGE_STS_DEVELOPMENT: '' },
    onDiagnostic: hearForTheSearch,
  });
  try {
    expect(await (await fetch(`${broker.origin}/readyz`)).json()).toEqual({ status: 'ok' });
    const login = await person.run(['login', broker.origin, '--secrets-file', '-p', 'my-project']);
    expect(login).toMatchObject({ code: EXIT.ok });
    expect(login.stdout + login.stderr).not.toContain(made['EDGE_STS_ADMIN_TOKEN']);
    expect(await person.run(['whoami', '-p', ''])).toMatchObject({ code: EXIT.usage });
    const whoami = await person.run(['get', 'projects']);
    expect(whoami).toMatchObject({ code: EXIT.ok });
    const doctor = await person.run(['doctor', '--json']);
    expect(doctor.json<{ findings: { check: string; status: string }[] }>().findings).toContainEqual(
      expect.objectContaining({ check: 'secrets-file', status: 'ok' }),
    );
  } finally {
    await broker.stop();
  }
});

it('finds the broker on this machine where --server says, and says how where nobody answers', async () => {
  const broker = await startBroker({ onDiagnostic: hearForTheSearch });
  try {
    person.file('admin-token', `${broker.adminToken}\n`);
    const env = { EDGE_STS_STATE: '.' };
    const found = await person.run(['init', '--server', broker.origin, '-p', 'my-project'], { env });
    expect(found.stdout).toContain(`The broker on ${broker.origin} answers: context "local" is set up.`);
    expect(await person.run(['get', 'projects'])).toMatchObject({ code: EXIT.ok });
    await broker.stop();
    const gone = await person.run(['init', '--server', broker.origin], { env });
    expect(gone.stdout).toContain(`No broker answers on ${broker.origin}`);
  } finally {
    await broker.stop();
  }
});

it('login --secrets-file without the file says what makes it', async () => {
  const ran = await person.run(['login', ORIGIN, '--secrets-file']);
  expect(ran).toMatchObject({ code: EXIT.usage });
  expect(ran.stderr).toContain('edge-sts init');
});

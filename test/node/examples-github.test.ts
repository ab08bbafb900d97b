/** The workflows: a job's own token for one of the broker's, and a deployment of the broker itself as far as no account is needed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startBroker } from '../../src/local/broker.ts';
import { createIssuer, type Issuer } from '../support/issuer.ts';
import { hearForTheSearch } from '../support/node/demo-world.ts';
import { BINARY } from './cli-support.ts';
import { startExamples, type ExampleWorld } from './examples-support.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
// The workflows are written for GitHub's runners, which have both.
const hasTools = ['curl', 'bash'].every((tool) => spawnSync(tool, ['--version']).status === 0);

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<string, { readonly env?: Readonly<Record<string, string>>; readonly steps: readonly Step[] }>
  >;
}

interface Step {
  readonly name?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

let world: ExampleWorld;
let github: Issuer;
let server: Server;
let issuerUri = '';
let repository = 'acme/shop';
let owner = '12345678';
const REQUEST_TOKEN = `test-only-request-${crypto.randomUUID()}`;

beforeAll(async () => {
  world = await startExamples();
  github = await createIssuer('RS256');
  server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    const url = new URL(request.url ?? '', issuerUri);
    if (url.pathname === '/jwks') return void response.end(github.jwksJson);
    if (url.pathname !== '/token')
      return void response.end(JSON.stringify({ issuer: issuerUri, jwks_uri: `${issuerUri}/jwks` }));
    if (request.headers.authorization !== `Bearer ${REQUEST_TOKEN}`) return void response.writeHead(401).end();
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      iss: issuerUri,
      aud: url.searchParams.get('audience'),
      sub: `repo:${repository}:ref:refs/heads/main`,
      repository,
      repository_owner_id: owner,
    };
    void github
      .sign({ ...claims, iat: now, nbf: now, exp: now + 300, jti: crypto.randomUUID() })
      .then((value) => response.end(JSON.stringify({ count: 1, value })));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  issuerUri = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});
afterAll(async () => {
  server?.close();
  await world?.close();
});

const workflow = (file: string): Workflow => parse(world.readExample(`github-actions/${file}`)) as Workflow;

const callApi = (): ReturnType<ExampleWorld['run']> => {
  const { env = {}, steps } = workflow('call.yaml').jobs['call'] ?? { steps: [] };
  const script = world.here(steps[0]?.run ?? '');
  return world.run(script, {
    shell: 'bash',
    env: {
      ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, world.here(value)])),
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: REQUEST_TOKEN,
      ACTIONS_ID_TOKEN_REQUEST_URL: `${issuerUri}/token?api-version=2.0`,
      RUNNER_TEMP: world.root,
    },
  });
};

it.skipIf(!hasTools)(
  'a job of the organization calls the API; one of somebody else, and of another repository, does not',
  async () => {
    // That the broker takes this condition for GitHub itself is looked at without asking anybody out there: with keys of its own.
    const uploaded = (text: string): string =>
      text.replace('githubusercontent.com\n', `githubusercontent.com\n    jwksJson: '${github.jwksJson}'\n`);
    expect(await world.apply('github-actions', uploaded)).toMatchObject({ code: 0 });
    // And then with an issuer that is here, whose keys the broker fetches.
    const own = (text: string): string => text.replace('https://token.actions.githubusercontent.com', issuerUri);
    expect(await world.apply('github-actions', own)).toMatchObject({ code: 0, stderr: '' });
    expect(workflow('call.yaml').permissions).toEqual({ 'id-token': 'write' });

    const good = await callApi();
    expect(good).toMatchObject({ code: 0 });
    expect(good.stdout).toMatch(/^::add-mask::ey\S+\n\{"caller":"repo:acme\/shop:ref:refs\/heads\/main"/);

    owner = '87654321';
    expect((await callApi()).code).not.toBe(0);
    owner = '12345678';
    repository = 'acme/other';
    const other = await callApi();
    expect(other.code).not.toBe(0);
    expect(other.stdout).not.toContain('caller');
  },
);

it.skipIf(!hasTools)(
  'the deployment: its secrets step, its dry run, and its doctor at a broker with these secrets',
  async () => {
    const steps = workflow('deploy.yaml').jobs['deploy']?.steps ?? [];
    const step = (name: string): Step => {
      const found = steps.find((one) => one.name === name);
      if (found?.run === undefined) throw new Error(`the workflow has no step ${name}`);
      return found;
    };
    const folder = mkdtempSync(join(tmpdir(), 'edge-sts-workflow-'));
    const secrets = {
      EDGE_STS_KEK: Buffer.from(`test-only-kek-${crypto.randomUUID().slice(0, 18)}`).toString('base64'),
      EDGE_STS_ADMIN_TOKEN: `test-only-admin-${crypto.randomUUID()}`,
      PUBLIC_ORIGIN: 'https://sts.example.com',
    };
    try {
      expect(Object.keys(step('Secrets').env ?? {})).toEqual(Object.keys(secrets));
      const made = await world.run(`cd '${folder}'\n${step('Secrets').run}`, { shell: 'bash', env: secrets });
      expect(made).toEqual({ code: 0, stdout: '', stderr: '' });
      const file = join(folder, '.edge-sts', 'secrets.env');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readFileSync(file, 'utf8')).toBe(
        Object.entries(secrets)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(''),
      );
      const { EDGE_STS_KEK: _, ...missing } = secrets;
      expect(
        (await world.run(`cd '${folder}'\n${step('Secrets').run}`, { shell: 'bash', env: missing })).code,
      ).not.toBe(0);

      await world.run(`cd '${folder}'\n${step('Secrets').run}`, { shell: 'bash', env: secrets });
      const deploy = (step('Deploy').run ?? '').trim().split(' ');
      expect(deploy).toEqual(['npx', 'wrangler', 'deploy', '--secrets-file', '.edge-sts/secrets.env']);
      const args = [
        'scripts/on-current-node.mjs',
        ...deploy.slice(1, -1),
        file,
        '--dry-run',
        '--outdir',
        join(folder, 'out'),
      ];
      const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', XDG_CONFIG_HOME: folder, CI: 'true' };
      expect(spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8' })).toMatchObject({ status: 0 });

      const broker = await startBroker({
        variables: { ...secrets, EDGE_STS_DEVELOPMENT: '' },
        onDiagnostic: hearForTheSearch,
      });
      const doctor = (step('Is it well').run ?? '').replace('npx edge-sts', `'${process.execPath}' '${BINARY}'`);
      const token = { EDGE_STS_SERVER: broker.origin, EDGE_STS_TOKEN: secrets.EDGE_STS_ADMIN_TOKEN };
      const ran = await world.run(`cd '${folder}'\n${doctor}`, { shell: 'bash', env: token });
      await broker.stop();
      expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing was found') });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

/** doctor: each thing that it can name is brought about for real, found, and named. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { startBroker, type Broker, type BrokerOptions } from '../../src/local/broker.ts';
import { createIssuer, workloadClaims, type Issuer } from '../support/issuer.ts';
import { hearForTheSearch, startWorld, type World } from '../support/node/demo-world.ts';
import { newAdministrator, newPerson, type Person, type Ran } from './cli-support.ts';

interface Findings {
  readonly healthy: boolean;
  readonly findings: readonly {
    readonly check: string;
    readonly status: string;
    readonly on?: string;
    readonly message: string;
    readonly fix?: readonly string[];
  }[];
}

function found(ran: Ran, check: string): Findings['findings'] {
  return ran.json<Findings>().findings.filter((one) => one.check === check && one.status !== 'ok');
}

describe('a broker that is not ready', () => {
  let folder = '';
  let person: Person;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'edge-sts-doctor-'));
    person = newPerson();
  });
  afterAll(() => {
    person.leave();
    rmSync(folder, { recursive: true, force: true });
  });

  const kek = (): string => Buffer.from(`test-only-kek-${crypto.randomUUID().slice(0, 18)}`).toString('base64');

  async function withBroker(
    options: BrokerOptions,
    look: (broker: Broker, said: readonly string[]) => Promise<void>,
  ): Promise<void> {
    const said: string[] = [];
    const broker = await startBroker({
      ...options,
      adminToken: `test-only-admin-${crypto.randomUUID()}`,
      onDiagnostic: (line) => {
        said.push(line);
        hearForTheSearch(line);
      },
    });
    try {
      await look(broker, said);
    } finally {
      await broker.stop();
    }
  }

  it('wrong KEK', async () => {
    const platformPath = join(folder, 'kek');
    await withBroker({ platformPath, kek: kek() }, async (broker) => {
      const body = JSON.stringify({ projectId: 'kept' });
      const headers = { authorization: `Bearer ${broker.adminToken}`, 'content-type': 'application/json' };
      expect((await fetch(`${broker.origin}/v1/projects`, { method: 'POST', headers, body })).status).toBe(200);
      expect(
        (await person.run(['doctor', '--server', broker.origin, '--json'])).json<Findings>().findings,
      ).toContainEqual(expect.objectContaining({ check: 'ready', status: 'ok' }));
    });
    await withBroker({ platformPath, kek: kek() }, async (broker) => {
      const ran = await person.run(['doctor', '--server', broker.origin, '--json']);
      expect(ran.code).toBe(EXIT.no);
      expect(found(ran, 'wrong-kek')).toMatchObject([
        { status: 'problem', message: expect.stringContaining('sealed') },
      ]);
    });
  });

  it.each([
    ['missing-secret', 'EDGE_STS_KEK', 'npx edge-sts init'],
    ['missing-secret', 'EDGE_STS_ADMIN_TOKEN', 'npx edge-sts init'],
    ['public-origin', 'PUBLIC_ORIGIN', 'npx edge-sts init --origin https://HOST'],
  ])(
    '%s: %s is not set; the broker itself says what to run, on stderr and in /readyz',
    async (check, name, command) => {
      await withBroker({ variables: { [name]: '' } }, async (broker, said) => {
        const ran = await person.run(['doctor', '--server', broker.origin, '--json']);
        expect(ran.code).toBe(EXIT.no);
        const deploy = 'npx wrangler deploy --secrets-file .edge-sts/secrets.env';
        expect(found(ran, check)).toMatchObject([{ message: expect.stringContaining(name), fix: [command, deploy] }]);
        const { reason } = (await (await fetch(`${broker.origin}/readyz`)).json()) as { reason: string };
        expect(reason).toContain(name);
        expect(reason).toContain(command);
        expect(reason).toContain(deploy);
        for (let waited = 0; waited < 2_000 && said.length === 0; waited += 50) await sleep(50);
        expect(said).toContainEqual(expect.stringContaining(reason));
      });
    },
  );

  it('nobody answers, and somebody else does', async () => {
    const nobody = await person.run(['doctor', '--server', 'http://127.0.0.1:9', '--json']);
    expect(found(nobody, 'reachable')).toMatchObject([{ message: expect.stringContaining('does not answer') }]);
    const other: Server = createServer((_request, response) => response.end('<html>'));
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const ran = await person.run(['doctor', '--server', `http://127.0.0.1:${port}`, '--json']);
    other.close();
    expect(found(ran, 'reachable')).toMatchObject([{ message: expect.stringContaining('no edge-sts broker') }]);
  });

  it('a secrets file that others can read, or that lacks a secret', async () => {
    mkdirSync(join(person.home, '.edge-sts'), { recursive: true });
    const path = join(person.home, '.edge-sts', 'secrets.env');
    writeFileSync(path, 'EDGE_STS_KEK=c2hvcnQ=\n', { mode: 0o644 });
    const ran = await person.run(['doctor', '--server', 'http://127.0.0.1:9', '--json']);
    expect(found(ran, 'secrets-file')).toMatchObject([{ fix: ['chmod 600 .edge-sts/secrets.env'] }]);
    expect(found(ran, 'missing-secret')).toHaveLength(2);
    expect(await person.run(['init', '--origin', 'https://sts.example.com'])).toMatchObject({ code: EXIT.ok });
    chmodSync(path, 0o600);
    const after = await person.run(['doctor', '--server', 'http://127.0.0.1:9', '--json']);
    // What somebody wrote is never replaced: to lose a KEK is to lose the signing keys.
    expect(found(after, 'missing-secret')).toMatchObject([{ message: expect.stringContaining('EDGE_STS_KEK') }]);
    rmSync(path);
  });
});

describe('what lies in a project', () => {
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

  const doctor = (...more: readonly string[]): Promise<Ran> => admin.run(['doctor', '--json', ...more]);
  const pool = (): string => `/v1/projects/${world.projectNumber}/locations/global/workloadIdentityPools/${world.pool}`;
  const audienceOf = (id: string): string => `//iam.googleapis.com${pool().slice('/v1'.length)}/providers/${id}`;

  async function discovered(id: string, issuerUri: string, more: object = {}): Promise<void> {
    const kubernetes = { clusterUri: `https://clusters.example.com/${id}`, issuerUri };
    await world.must('POST', `${pool()}/providers?workloadIdentityPoolProviderId=${id}`, { kubernetes, ...more });
  }

  async function exchange(id: string, issuer: Issuer, issuerUri: string): Promise<number> {
    const audience = audienceOf(id);
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience,
      subject_token: await issuer.sign(workloadClaims({ issuerUri, audience: `https:${audience}` })),
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    });
    return (await fetch(`${world.broker.origin}/v1/token`, { method: 'POST', body })).status;
  }

  it('nothing is found where nothing is wrong', async () => {
    const ran = await doctor();
    expect(ran.json()).toMatchObject({ healthy: true });
    expect(ran.code).toBe(EXIT.ok);
    expect((await admin.run(['doctor'])).stdout).toMatch(/Nothing was found\.\n$/);
  });

  it('unreachable issuer, of which there are no keys', async () => {
    const issuerUri = 'http://127.0.0.1:9';
    await discovered('nowhere', issuerUri);
    await exchange('nowhere', await createIssuer('RS256'), issuerUri);
    const ran = await doctor();
    expect(ran.code).toBe(EXIT.no);
    expect(found(ran, 'unreachable-issuer')).toMatchObject([
      { on: 'nowhere', status: 'problem', message: expect.stringMatching(/http:\/\/127\.0\.0\.1:9.+no keys/) },
    ]);
    await world.must('DELETE', `${pool()}/providers/nowhere`);
    expect(found(await doctor(), 'unreachable-issuer')).toEqual([]);
  });

  it('keys near maxStale: their issuer went away', async () => {
    const issuer = await createIssuer('RS256');
    const server: Server = createServer((request, response) => {
      const base = `http://${request.headers.host}`;
      const isKeys = request.url === '/jwks';
      response.setHeader('content-type', 'application/json');
      response.end(isKeys ? issuer.jwksJson : JSON.stringify({ issuer: base, jwks_uri: `${base}/jwks` }));
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const issuerUri = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    await discovered('fading', issuerUri, { maxStale: '900s' });
    expect(await exchange('fading', issuer, issuerUri)).toBe(200);
    expect(found(await doctor(), 'keys-near-max-stale')).toEqual([]);
    server.close();
    server.closeAllConnections();
    // The issuer is asked again for a key that nobody knows, half a minute after the last time (docs/design/issuer-keys.md).
    await sleep(31_000);
    await exchange('fading', await createIssuer('RS256'), issuerUri);
    const ran = await doctor();
    expect(found(ran, 'unreachable-issuer')).toMatchObject([{ on: 'fading' }]);
    expect(found(ran, 'keys-near-max-stale')).toMatchObject([
      { on: 'fading', message: expect.stringContaining('maxStale') },
    ]);
    await world.must('DELETE', `${pool()}/providers/fading`);
  });

  it('a second cluster, and a binding that does not tell the two apart', async () => {
    const project = `/v1/projects/${world.projectNumber}`;
    await world.must('POST', `${project}/roles`, { roleId: 'reader', role: { includedPermissions: ['orders.get'] } });
    const name = `principal://iam.googleapis.com/${pool().slice('/v1/'.length)}/subject/ns/shop/sa/checkout`;
    const bind = (expression?: string): Promise<unknown> => {
      const condition = expression === undefined ? {} : { condition: { expression } };
      const bindings = [{ role: 'projects/world/roles/reader', members: [name], ...condition }];
      return world.must('POST', `${project}:setIamPolicy`, { policy: { version: 3, bindings } });
    };
    await bind();
    expect(found(await doctor(), 'clusters-not-apart')).toEqual([]);
    const kubernetes = {
      clusterUri: 'https://clusters.example.com/second',
      issuerUri: 'https://kubernetes.default.svc',
      jwksJson: (await createIssuer()).jwksJson,
    };
    await world.must('POST', `${pool()}/providers?workloadIdentityPoolProviderId=second`, { kubernetes });
    const ran = await doctor();
    expect(ran.code).toBe(EXIT.no);
    expect(found(ran, 'clusters-not-apart')).toMatchObject([
      { on: world.pool, message: expect.stringMatching(/bindings\[0\].+second/) },
    ]);
    await bind('request.workload.cluster == "https://clusters.example.com/second"');
    expect(found(await doctor(), 'clusters-not-apart')).toEqual([]);
  });

  it.each([
    ['behind', -120],
    ['ahead of', 120],
  ])('clock skew: this machine is %s the broker', async (word, seconds) => {
    const shift = `const n=Date.now;Date.now=()=>n()+${seconds * 1_000}`;
    const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(shift)}` };
    const ran = await admin.run(['doctor', '--json'], { env });
    expect(found(ran, 'clock-skew')).toMatchObject([
      { on: 'this machine', message: expect.stringMatching(new RegExp(`1[12][0-9] s ${word}`)) },
    ]);
  });

  it('clock skew: a cluster makes tokens of the future; and a token that is over', async () => {
    const now = Math.floor(Date.now() / 1_000);
    const future = admin.file('future', await world.token({ issuedAtSeconds: now + 600 }));
    const ran = await doctor('--subject-token-file', future);
    expect(found(ran, 'clock-skew')).toMatchObject([{ message: expect.stringMatching(/(59|60)\d s ahead/) }]);
    const past = admin.file('past', await world.token({ issuedAtSeconds: now - 7_200 }));
    expect(found(await doctor('--subject-token-file', past), 'token')).toMatchObject([
      { message: expect.stringContaining('expired') },
    ]);
    const good = await doctor('--subject-token-file', admin.file('good', await world.token()));
    expect(found(good, 'token')).toEqual([]);
  });

  it('who is not known, or may not look, is told so', async () => {
    const env = { EDGE_STS_TOKEN: 'test-only-nobodys-token' };
    const ran = await admin.run(['doctor', '--json'], { env });
    expect(found(ran, 'credentials')).toHaveLength(1);
    expect(found(await doctor('-p', 'nowhere'), 'project')).toHaveLength(1);
  });
});

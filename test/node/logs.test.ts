/**
 * No token, key or secret in any log line or error (SECURITY.md T14, LESSONS.md §6, 30): the broker as it is deployed, driven through
 * grants and refusals of every kind with tokens in every place that they do not belong, and then everything that it wrote is searched.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Broker, startBroker } from '../../src/local/broker.ts';
import { base64Url } from '../support/issuer.ts';
import { startWorld, type World } from '../support/node/demo-world.ts';

/** What was written, by where it was. */
interface Written {
  readonly where: string;
  readonly text: string;
}

const folder = mkdtempSync(join(tmpdir(), 'edge-sts-logs-'));
const platformPath = join(folder, 'platform');
const kek = randomBytes(32).toString('base64');
const wrongKek = randomBytes(32).toString('base64');
const adminToken = `admin-${randomBytes(32).toString('base64url')}`;
const written: Written[] = [];
/** Every secret of this run, by what it is. */
const secrets = new Map<string, string>([
  ['the key-encryption key', kek],
  ['the wrong key-encryption key', wrongKek],
  ['the admin token', adminToken],
]);
let world: World;
let statuses: readonly number[] = [];

beforeAll(async () => {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const stray = await exportJWK(privateKey);
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const) {
    secrets.set(`the private key's ${member}`, String(stray[member]));
  }
  world = await startWorld({ platformPath, kek, adminToken, ...listeners('the broker') });
  statuses = [...(await drive(world, stray)), ...(await driveAdministration(world, stray))];
  await world.broker.stop();
  const wrong = await startBroker({
    platformPath,
    kek: wrongKek,
    adminToken,
    ...listeners('the broker with a wrong KEK'),
  });
  statuses = [...statuses, ...(await driveWrongKek(wrong))];
  await wrong.stop();
  await sleep(100);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('after grants, refusals and faults of every kind', () => {
  it('there is something to search: grants, 4xx, 5xx, audit lines and error bodies', () => {
    expect(new Set(statuses)).toEqual(
      new Set([200, 400, 401, 403, 404, 405, 413, 415, 503].filter((one) => statuses.includes(one))),
    );
    for (const status of [200, 400, 401, 404, 405, 413, 415, 503]) expect(statuses).toContain(status);
    const audited = written.filter(
      ({ where, text }) => where.endsWith('stdout') && text.startsWith('{"event":"exchange"'),
    );
    expect(audited.length).toBeGreaterThan(30);
    for (const outcome of ['granted', 'refused'])
      expect(audited.some(({ text }) => text.includes(`"outcome":"${outcome}"`))).toBe(true);
    expect(written.filter(({ where }) => where.startsWith('the answer to')).length).toBeGreaterThan(60);
    expect(secrets.size).toBeGreaterThan(30);
  });

  it('no line and no error holds a token, a key or a secret', () => {
    expect(leaks(written)).toEqual([]);
  });

  it.each([
    ['a token', (text: string) => `{"event":"exchange","check":"no target has the uri ${text}"}`],
    ['the end of a token', (text: string) => `… ${text.slice(-60)}`],
    ['the admin token', () => `GET /v1/projects Bearer ${adminToken}`],
    ['the KEK, re-encoded', () => `kek=${Buffer.from(kek, 'base64').toString('hex')}`],
    ['a token in base64', (text: string) => Buffer.from(`token=${text}`).toString('base64')],
  ])('%s in one of them would be found', (_what, plant) => {
    const token = secrets.get('a token that was good') ?? '';
    expect(token).toMatch(/^eyJ/);
    const where = Math.floor(written.length / 2);
    const planted = [...written.slice(0, where), { where: 'planted', text: plant(token) }, ...written.slice(where)];
    expect(leaks(planted).length).toBeGreaterThan(0);
  });
});

function listeners(who: string): { onLine: (line: string) => void; onDiagnostic: (line: string) => void } {
  return {
    onLine: (text) => written.push({ where: `${who}'s stdout`, text }),
    onDiagnostic: (text) => written.push({ where: `${who}'s stderr`, text }),
  };
}

/** What is in what, named without saying it. `eyJ` is how every JWT begins; `ZXlK` is how that begins in base64. */
function leaks(all: readonly Written[]): readonly string[] {
  const needles = [...secrets].flatMap(([name, secret]) => formsOf(secret).map((form) => [name, form] as const));
  return all.flatMap(({ where, text }) => {
    const found = needles.filter(([, form]) => text.includes(form)).map(([name]) => name);
    if (/eyJ|ZXlK|V5S|leUp/.test(text)) found.push('something like a token');
    return [...new Set(found)].map((name) => `${where}: ${name}: ${text.slice(0, 160)}`);
  });
}

/** As it is, its last part, and other spellings of the same bytes. */
function formsOf(secret: string): readonly string[] {
  const signature = secret.split('.').at(-1) ?? secret;
  const bytes = Buffer.from(secret, 'base64');
  return [
    secret,
    signature.slice(-40),
    bytes.toString('hex'),
    bytes.toString('base64url'),
    encodeURIComponent(secret),
  ].filter((form) => form.length >= 20);
}

type Params = Readonly<Record<string, string>>;

/** Exchanges: what is granted, and tokens where none belongs. */
async function drive(into: World, stray: object): Promise<readonly number[]> {
  const good = keep('a token that was good', await into.token());
  const kidToken = keep('a token as kid', await into.issuer.sign({ a: 1 }, { kid: 'k' })).slice(0, 200);
  const bad: readonly string[] = await Promise.all([
    into.token({ issuedAtSeconds: 1_700_000_000 }),
    into.token({ audience: 'https://kubernetes.default.svc' }),
    into.token({ lifetimeSeconds: 31_536_000 }),
    into.issuer.sign({ iss: good, sub: good, aud: good, kubernetes: good }),
    into.issuer.sign(claims(into, { iss: good })),
    into.issuer.sign(claims(into, { sub: good })),
    into.issuer.sign(claims(into, { aud: [good] })),
    into.issuer.sign(claims(into, { exp: good })),
    into.issuer.sign(claims(into, { 'kubernetes.io': { namespace: good, serviceaccount: { name: good, uid: good } } })),
    into.issuer.sign(claims(into), { kid: kidToken }),
    into.issuer.sign(claims(into), { typ: good.slice(0, 60) }),
    into.issuer.sign(claims(into), { alg: kidToken }),
    into.issuer.sign(claims(into), { [kidToken]: kidToken }),
    into.issuer.signText(good, good),
    into.issuer.sign({ ...claims(into), jwk: stray }, { jwk: stray }),
  ]);
  for (const [at, token] of bad.entries()) keep(`bad token ${at}`, token);
  const cut = good.slice(0, good.lastIndexOf('.'));
  const statusesSoFar: number[] = [];
  for (const token of [good, ...bad, cut, `${good}x`, `x${good}`, good.replace('.', '!'), base64Url(good)]) {
    statusesSoFar.push(await exchange(into.broker, request(into, token)));
  }
  const target = 'https://storage.example.com';
  for (const wrong of [
    ...[
      'grant_type',
      'audience',
      'resource',
      'scope',
      'requested_token_type',
      'subject_token_type',
      'options',
      'actor_token',
    ].map((name) => ({ [name]: good })),
    { resource: `https://evil.example/?token=${good}` },
    { resource: target },
    { resource: kidToken },
    { resource: ` ${good}` },
    { audience: `//iam.googleapis.com/projects/${good}/locations/global/workloadIdentityPools/a/providers/b` },
    {
      audience: `//iam.googleapis.com/projects/${into.projectNumber}/locations/global/workloadIdentityPools/${kidToken}/providers/b`,
    },
    {
      audience: `//iam.googleapis.com/projects/${into.projectNumber}/locations/global/workloadIdentityPools/${into.pool}/providers/${kidToken}`,
    },
    { options: JSON.stringify({ accessBoundary: good, [good]: good }) },
    { scope: `openid ${good}` },
    { [good]: good },
    { subject_token_type: adminToken },
    { subject_token: adminToken },
    { resource: adminToken },
    { subject_token: kek, resource: kek },
    { subject_token: JSON.stringify(stray) },
  ] as readonly Params[]) {
    statusesSoFar.push(await exchange(into.broker, { ...request(into, good), ...wrong }));
    statusesSoFar.push(await exchange(into.broker, { ...request(into, good), ...wrong }, 'json'));
  }
  const { origin } = into.broker;
  for (const [method, path, init] of [
    ['POST', `/v1/token?subject_token=${good}`],
    ['POST', `/v1/token?x=${good}`],
    ['POST', `/v1/token?${good}=x`],
    ['POST', `/v1/token/${good}`],
    ['GET', `/v1/token?access_token=${good}`],
    ['GET', `/${good}`],
    ['GET', `/${into.projectNumber}/${good}/jwks`],
    ['GET', `/${into.projectNumber}/${into.pool}/.well-known/openid-configuration?id_token=${good}`],
    ['POST', '/v1/token', { headers: { 'content-type': good }, body: good }],
    ['POST', '/v1/token', { headers: { 'content-type': 'application/json' }, body: `{"subjectToken":"${good}",` }],
    [
      'POST',
      '/v1/token',
      {
        headers: { 'content-type': 'application/json' },
        body: `{"subjectToken":["${good}"],"grantType":{"${good}":1}}`,
      },
    ],
    ['POST', '/v1/token', { headers: { 'content-type': 'application/json' }, body: `{"${good}":1,"${good}":2}` }],
    ['POST', '/v1/token', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: good.repeat(200) }],
    [
      'POST',
      '/v1/token',
      {
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          authorization: `Bearer ${good}`,
          cookie: good,
          'user-agent': good,
          'cf-connecting-ip': good.slice(0, 90),
          referer: `https://x/?${good}`,
        },
        body: new URLSearchParams(request(into, good.slice(0, -4))).toString(),
      },
    ],
  ] as readonly (readonly [string, string, RequestInit?])[]) {
    statusesSoFar.push(await heard(`${method} ${shown(path)}`, await fetch(`${origin}${path}`, { ...init, method })));
  }
  return statusesSoFar;
}

/** Administration: secrets in paths, queries, bodies and credentials; an attribute condition that fails over a secret claim. */
async function driveAdministration(into: World, stray: object): Promise<readonly number[]> {
  const good = keep('a token shown to the administration', await into.token());
  const { origin } = into.broker;
  const all: number[] = [];
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    authorization = `Bearer ${adminToken}`,
  ): Promise<void> => {
    const init = {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    };
    all.push(await heard(`${method} ${shown(path)}`, await fetch(`${origin}${path}`, init)));
  };
  const project = `/v1/projects/${into.projectNumber}`;
  const pools = `${project}/locations/global/workloadIdentityPools`;
  const pair = JSON.stringify({ keys: [{ ...stray, kid: 'pair' }] });
  for (const authorization of [
    `Bearer ${good}`,
    good,
    `Basic ${adminToken}`,
    `Bearer ${adminToken}x`,
    `Bearer x${kek}`,
  ]) {
    await call('GET', '/v1/projects', undefined, authorization);
    await call('POST', `${pools}/${into.pool}/providers/x:pushKeys`, { jwksJson: pair }, authorization);
  }
  await call('POST', `${pools}/${into.pool}/providers?workloadIdentityPoolProviderId=pair`, {
    kubernetes: {
      clusterUri: 'https://clusters.example.com/pair',
      issuerUri: 'https://kubernetes.default.svc',
      jwksJson: pair,
    },
  });
  await call('POST', `${pools}/${into.pool}/providers?workloadIdentityPoolProviderId=none`, {
    kubernetes: {
      clusterUri: 'https://clusters.example.com/none',
      issuerUri: 'https://kubernetes.default.svc',
      jwksJson: good,
    },
  });
  await call('POST', '/v1/projects', { projectId: 'x', displayName: [good], adminToken });
  await call('POST', '/v1/projects', `{"projectId":"${good}"`);
  await call('PATCH', `${project}?updateMask=displayName`, { displayName: 7, kek });
  await call('PUT', project, { displayName: good });
  await call('GET', `/v1/nothing/here`);
  await call('POST', `${pools}?workloadIdentityPoolId=ci`, {});
  await call('POST', `${pools}/ci/providers?workloadIdentityPoolProviderId=ci`, {
    oidc: { issuerUri: 'https://ci.example.com', jwksJson: into.issuer.jwksJson },
    attributeMapping: { 'google.subject': 'assertion.sub' },
    attributeCondition: 'int(assertion.secret) > 0',
  });
  const audience = `//iam.googleapis.com/projects/${into.projectNumber}/locations/global/workloadIdentityPools/ci/providers/ci`;
  const now = Math.floor(Date.now() / 1_000);
  for (const secret of [good, adminToken, kek, { [good]: 1 }]) {
    const own = { iss: 'https://ci.example.com', aud: audience, sub: 'x', iat: now, exp: now + 300, secret };
    const token = keep(`a token with a secret claim ${all.length}`, await into.issuer.sign(own));
    all.push(await exchange(into.broker, { ...request(into, token), audience }));
  }
  return all;
}

async function driveWrongKek(broker: Broker): Promise<readonly number[]> {
  const token = keep('a token under a wrong KEK', await world.token());
  const all = [await exchange(broker, request(world, token))];
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
  const path = `/v1/projects/${world.projectNumber}/signingKeys:rotate`;
  all.push(
    await heard(path, await fetch(`${broker.origin}${path}`, { method: 'POST', headers, body: '{"emergency":true}' })),
  );
  all.push(await heard('/readyz', await fetch(`${broker.origin}/readyz`)));
  return all;
}

function request(into: World, token: string): Record<string, string> {
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: into.audience,
    subject_token: token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  };
}

function claims(into: World, more: object = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1_000);
  return {
    iss: 'https://kubernetes.default.svc.cluster.local',
    aud: `https:${into.audience}`,
    iat: now,
    exp: now + 600,
    ...more,
  };
}

/** A grant's own token is a secret as well, and the one place where it may stand is that answer. */
async function exchange(broker: Broker, parameters: Params, form: 'form' | 'json' = 'form'): Promise<number> {
  const init =
    form === 'form'
      ? { body: new URLSearchParams(parameters) }
      : { body: JSON.stringify(parameters), headers: { 'content-type': 'application/json' } };
  const answer = await fetch(`${broker.origin}/v1/token`, { method: 'POST', ...init });
  return heard(`an exchange with ${Object.keys(parameters).map(shown).join(', ')}`, answer);
}

async function heard(what: string, answer: Response): Promise<number> {
  const text = await answer.text();
  const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  if (answer.status === 200) {
    const { access_token: minted } = JSON.parse(text) as { readonly access_token?: string };
    if (minted !== undefined) keep(`a minted token ${secrets.size}`, minted);
    written.push({ where: `the headers of ${what}`, text: headers });
  } else written.push({ where: `the answer to ${what}`, text: `${headers}\n${text}` });
  return answer.status;
}

function keep(name: string, secret: string): string {
  secrets.set(name, secret);
  return secret;
}

/** For naming a finding without repeating it. */
function shown(text: string): string {
  return text.replaceAll(/eyJ[\w.-]+/g, 'TOKEN').slice(0, 80);
}

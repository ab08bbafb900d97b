/** Tokens that are taken once, through the front door: whoever holds one that was used, in whatever spelling, has nothing. */
import { abortAllDurableObjects } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  addTarget,
  type Answer,
  captureAudit,
  type Cluster,
  createProject,
  exchange,
  must,
  postToken,
  type TestProject,
  tokenForm,
} from '../support/broker.ts';
import { away } from '../support/faulty-bindings.ts';
import { base64Url, workloadClaims } from '../support/issuer.ts';

const SINGLE_USE = { extra: { singleUse: true, maxTokenLifetime: '3600s' } };
const audit = captureAudit();
let project: TestProject;
let cluster: Cluster;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project, SINGLE_USE);
});

function codeOf({ status, body }: Answer): string {
  return status === 200 ? '200' : `${status} ${String(body['error'])}`;
}

async function expectReplay(answer: Answer): Promise<void> {
  expect(codeOf(answer)).toBe('400 invalid_grant');
  expect(await audit.lineFor(answer)).toMatchObject({ outcome: 'refused', reason: 'unverified', check: 'replay' });
}

describe('a token', () => {
  it('is exchanged once', async () => {
    const token = await cluster.token();
    expect(codeOf(await exchange(cluster, undefined, token))).toBe('200');
    await expectReplay(await exchange(cluster, undefined, token));
    await expectReplay(await exchange(cluster, undefined, token));
    expect(codeOf(await exchange(cluster))).toBe('200');
  });

  it('that 50 clients bring at once is exchanged for exactly one of them', async () => {
    const token = await cluster.token();
    const answers = await Promise.all(Array.from({ length: 50 }, () => exchange(cluster, undefined, token)));
    const codes = answers.map(codeOf);
    expect(codes.filter((code) => code === '200').length).toBe(1);
    expect(codes.filter((code) => code === '400 invalid_grant').length).toBe(49);
    for (const answer of answers.filter(({ status }) => status !== 200)) await expectReplay(answer);
  });

  it('that was used tells its thief no more than a forged one would', async () => {
    const token = await cluster.token();
    await exchange(cluster, undefined, token);
    const replayed = await exchange(cluster, undefined, token);
    const forged = await exchange(
      cluster,
      undefined,
      withSignature(token, () => new Uint8Array(64).fill(1)),
    );
    expect(replayed.text).toBe(forged.text);
  });

  it('is taken anew by no restart', async () => {
    const token = await cluster.token();
    expect(codeOf(await exchange(cluster, undefined, token))).toBe('200');
    await abortAllDurableObjects();
    await expectReplay(await exchange(cluster, undefined, token));
  });

  it.each([
    ['no jti', { jti: undefined }],
    ['an empty jti', { jti: '' }],
    ['a jti that is no text', { jti: 7 }],
    ['a jti of 257 characters', { jti: 'x'.repeat(257) }],
  ])('with %s is not taken at all', async (_what, change) => {
    const claims = workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` });
    const answer = await exchange(cluster, undefined, await cluster.issuer.sign({ ...claims, ...change }));
    expect(codeOf(answer)).toBe('400 invalid_grant');
    expect(await audit.lineFor(answer)).toMatchObject({ check: 'token_id' });
  });

  it('with the jti of another provider is another token', async () => {
    const other = await addCluster(project, { ...SINGLE_USE, issuer: cluster.issuer });
    const claims = workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` });
    const twin = { ...claims, aud: [`https:${other.audience}`] };
    expect(codeOf(await exchange(cluster, undefined, await cluster.issuer.sign(claims)))).toBe('200');
    expect(codeOf(await exchange(other, undefined, await other.issuer.sign(twin)))).toBe('200');
    // Signed anew, a used jti stays used: the mark is not on the text.
    await expectReplay(await exchange(cluster, undefined, await cluster.issuer.sign({ ...claims, extra: 1 })));
  });

  it('is taken as often as one likes where the provider does not say otherwise', async () => {
    const relaxed = await addCluster(project);
    const token = await relaxed.token();
    expect(codeOf(await exchange(relaxed, undefined, token))).toBe('200');
    expect(codeOf(await exchange(relaxed, undefined, token))).toBe('200');
  });
});

describe('switched on for a provider that isolates know without it', () => {
  it('binds from the answer to the change on', async () => {
    const changed = await addCluster(project);
    expect(codeOf(await exchange(changed))).toBe('200');
    const change = { singleUse: true, maxTokenLifetime: '3600s' };
    await must('PATCH', `/v1/${changed.name}?updateMask=singleUse,maxTokenLifetime`, change);
    const token = await changed.token();
    expect(codeOf(await exchange(changed, undefined, token))).toBe('200');
    await expectReplay(await exchange(changed, undefined, token));
  });
});

describe('respelled by its holder', () => {
  it.each(['before', 'after'])(
    'in all 16 endings of its signature, %s it was used: never a second 200',
    async (when) => {
      const token = await cluster.token();
      if (when === 'after') expect(codeOf(await exchange(cluster, undefined, token))).toBe('200');
      const endings = sixteenEndings(token);
      expect(endings.length).toBe(16);
      expect(endings).toContain(token);
      const codes = await Promise.all(endings.map(async (one) => codeOf(await exchange(cluster, undefined, one))));
      expect(codes.filter((code) => code === '200').length).toBe(when === 'after' ? 0 : 1);
      expect(codes.filter((code) => code === '400 invalid_grant').length).toBe(when === 'after' ? 16 : 15);
    },
  );

  it.each([
    ['padding', (token: string) => `${token}==`],
    ['a newline behind it', (token: string) => `${token}\n`],
    ['a blank before it', (token: string) => ` ${token}`],
    ['a blank in its signature', (token: string) => `${token.slice(0, -5)} ${token.slice(-5)}`],
    ['the other base64 alphabet', (token: string) => token.replaceAll('-', '+').replaceAll('_', '/')],
  ])('with %s it is refused after its use', async (_what, respell) => {
    let token = await cluster.token();
    while (!/[-_]/.test(token)) token = await cluster.token();
    expect(codeOf(await exchange(cluster, undefined, token))).toBe('200');
    const again = await exchange(cluster, undefined, respell(token));
    expect(again.status).toBe(400);
    expect((await exchange(cluster, undefined, token)).status).toBe(400);
  });

  it('as its ECDSA twin, which verifies, it is caught by its jti in either order', async () => {
    const first = await cluster.token();
    expect(codeOf(await exchange(cluster, undefined, first))).toBe('200');
    await expectReplay(await exchange(cluster, undefined, ecdsaTwin(first)));

    const second = await cluster.token();
    expect(ecdsaTwin(second)).not.toBe(second);
    // The proof that the twin is a signature: alone, it is taken.
    expect(codeOf(await exchange(cluster, undefined, ecdsaTwin(second)))).toBe('200');
    await expectReplay(await exchange(cluster, undefined, second));
  });
});

describe('what does not use a token up', () => {
  it('an exchange that policy refuses', async () => {
    const target = await addTarget(project);
    const token = await cluster.token();
    expect(codeOf(await exchange(cluster, target.uri, token))).toBe('400 invalid_target');
    expect(codeOf(await exchange(cluster, undefined, token))).toBe('200');
  });

  it('a project that is over its quota', async () => {
    const full = await createProject();
    const strict = await addCluster(full, SINGLE_USE);
    const path = `/v1/projects/${full.number}?updateMask=tokenExchangesPerMinute`;
    await must('PATCH', path, { tokenExchangesPerMinute: 0 });
    const token = await strict.token();
    expect(codeOf(await exchange(strict, undefined, token))).toBe('429 quota_exceeded');
    await must('PATCH', path, { tokenExchangesPerMinute: 1 });
    expect(codeOf(await exchange(strict, undefined, token))).toBe('200');
    // A replay costs nothing and is told as such, though the project is full.
    await expectReplay(await exchange(strict, undefined, token));
  });

  it('a quota object that is away: closed, and good again when it is back', async () => {
    const token = await cluster.token();
    const broker = createBroker({ ...env, QUOTA: away(env.QUOTA) });
    const form = tokenForm(cluster.audience, token);
    const answer = await postToken(form, {}, async (request) => broker.fetch(request));
    expect(codeOf(answer)).toBe('503 temporarily_unavailable');
    expect(codeOf(await exchange(cluster, undefined, token))).toBe('200');
  });
});

/** Of the last character only two bits are signature: 16 characters say the same to a lenient decoder. */
function sixteenEndings(token: string): readonly string[] {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const significant = alphabet.indexOf(token.slice(-1)) >> 4;
  return Array.from(alphabet.slice(significant * 16, significant * 16 + 16), (last) => token.slice(0, -1) + last);
}

/** The order of P-256. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** (r, n − s) verifies wherever (r, s) does, and whoever holds a token can compute it. */
function ecdsaTwin(token: string): string {
  return withSignature(token, (signature) => {
    const s = Array.from(signature.slice(32)).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    const hex = (N - s).toString(16).padStart(64, '0');
    const twin = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
    return new Uint8Array([...signature.slice(0, 32), ...twin]);
  });
}

function withSignature(token: string, change: (signature: Uint8Array) => Uint8Array): string {
  const [header = '', payload = '', text = ''] = token.split('.');
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  return `${header}.${payload}.${base64Url(change(bytes))}`;
}

/** What the Registry adds to pushed keys: marker and keys in one transaction, the alert line, thumbprints, and the refresh of discovered ones. */
import { env } from 'cloudflare:workers';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { describe, expect, it, vi } from 'vitest';
import type { Command } from '../../src/core/admin/commands.ts';
import type { Provider } from '../../src/core/resources.ts';
import { createAdminPort } from '../../src/platform/administration/port.ts';
import { thumbprintOf } from '../../src/platform/thumbprint.ts';
import { builtInPoolId } from '../../src/core/names.ts';
import { jwks, EC_KEY, RSA_KEY } from '../support/admin-samples.ts';
import { namespaceOf, provisioned, query, tablesOf } from './registry-support.ts';
import { by } from '../support/callers.ts';

type Stub = Awaited<ReturnType<typeof provisioned>>['registry'];

async function withCluster() {
  const { project, registry } = await provisioned();
  const poolId = builtInPoolId(project.projectId);
  const id = { poolId, providerId: 'cluster-1' };
  const issuer = { clusterUri: 'https://one.example.com', issuerUri: 'https://one.example.com' };
  await must(registry, {
    type: 'provider.create',
    ...id,
    input: { kubernetes: { ...issuer, jwksJson: jwks(RSA_KEY) } },
  });
  const member = `principal://iam.googleapis.com/projects/${project.projectNumber}/locations/global/workloadIdentityPools/${poolId}/subject/agent`;
  const bindings = [{ role: 'roles/owner', members: [member] }];
  await must(registry, { type: 'policy.set', resource: { kind: 'pool', poolId }, policy: { bindings } });
  const push = async (
    key: string,
    untilSeconds: number,
    keys: readonly unknown[] = [RSA_KEY, EC_KEY],
  ): Promise<Command> => ({
    type: 'provider.pushKeys',
    ...id,
    jwksJson: jwks(...keys),
    pusher: { identifier: member, memberTexts: [member] },
    once: { key, untilSeconds },
    verifiedBy: {
      poolUpdateTime: (await poolOf(registry, poolId)).updateTime,
      providerUpdateTime: (await providerOf(registry, id)).updateTime,
    },
  });
  return { project, registry, id, member, push };
}

async function must(registry: Stub, command: Command, actor = 'test') {
  const answer = await registry.apply(command, by(actor));
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  return answer.value;
}

async function providerOf(registry: Stub, id: { poolId: string; providerId: string }): Promise<Provider> {
  const answer = await registry.read({ type: 'provider.get', ...id });
  if (!answer.ok || answer.value.kind !== 'provider') throw new Error('no provider');
  return answer.value.provider;
}

async function poolOf(registry: Stub, poolId: string) {
  const answer = await registry.read({ type: 'pool.get', poolId });
  if (!answer.ok || answer.value.kind !== 'pool') throw new Error('no pool');
  return answer.value.pool;
}

const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

describe('pushed keys', () => {
  it('are saved with their marker, which survives and ends some time after the token', async () => {
    const { registry, id, push } = await withCluster();
    expect(await tablesOf(registry)).not.toContain('used_tokens');
    await must(registry, await push('old', nowSeconds() - 400));
    await must(registry, await push('late', nowSeconds() - 10));
    await must(registry, await push('now', nowSeconds() + 3_600));
    const left = await query<{ key: string }>(registry, 'SELECT key FROM used_tokens ORDER BY key');
    expect(left.map(({ key }) => key)).toEqual(['late', 'now']);
    expect(await registry.apply(await push('late', nowSeconds()), by('test'))).toEqual({
      ok: false,
      error: { tag: 'bad_credentials' },
    });
    expect((await providerOf(registry, id)).keySource).toBe('pushed');
  });

  it('leave no marker where they are refused', async () => {
    const { registry, push } = await withCluster();
    expect(await registry.apply(await push('a', nowSeconds() + 60, [EC_KEY]), by('test'))).toMatchObject({ ok: false });
    expect(await tablesOf(registry)).not.toContain('used_tokens');
  });

  it('of two at once that show one token only one comes in', async () => {
    const { registry, push } = await withCluster();
    const command = await push('a', nowSeconds() + 60);
    const answers = await Promise.all([registry.apply(command, by('one')), registry.apply(command, by('two'))]);
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
  });

  it('have one row of history with the pusher, and one alert line each time they change', async () => {
    const log = vi.spyOn(console, 'log');
    const { project, registry, id, member, push } = await withCluster();
    const alerts = () =>
      log.mock.calls
        .map(([line]) => String(line))
        .filter((line) => line.includes('"event":"alert"') && line.includes(project.projectNumber))
        .map((line): unknown => JSON.parse(line));
    const actor = `${member}\u202e`;
    await must(registry, await push('a', nowSeconds() + 60), actor);
    await must(registry, await push('b', nowSeconds() + 60), actor);
    const added = (await providerOf(registry, id)).keys.find((key) => key.kid === EC_KEY.kid)?.thumbprint;
    expect(alerts()).toEqual([
      {
        event: 'alert',
        kind: 'issuer_keys_changed',
        time: expect.any(String),
        requestId: `request of ${actor}`,
        project: project.projectNumber,
        pool: id.poolId,
        provider: `projects/${project.projectNumber}/locations/global/workloadIdentityPools/${id.poolId}/providers/cluster-1`,
        source: 'pushed',
        addedThumbprints: [added],
        removedThumbprints: [],
        actor,
      },
    ]);
    expect(log.mock.calls.some(([line]) => String(line).includes('\u202e'))).toBe(false);
    const history = await query(registry, `SELECT actor FROM history WHERE command = 'provider.pushKeys'`);
    expect(history).toEqual([{ actor }, { actor }]);
    await must(registry, { type: 'provider.distrustKey', ...id, thumbprint: added ?? '' });
    expect(alerts().at(-1)).toMatchObject({ removedThumbprints: [added], actor: 'test' });
  });
});

describe('thumbprints', () => {
  it.each(['RS256', 'ES256', 'ES384', 'ES512'])(
    'of %s keys are those of RFC 7638, whatever else a key says',
    async (alg) => {
      const { publicKey } = await generateKeyPair(alg, { extractable: true });
      const { kty, n = '', e = '', crv = '', x = '', y = '' } = await exportJWK(publicKey);
      const key = kty === 'RSA' ? { kty: 'RSA' as const, n, e } : { kty: 'EC' as const, crv, x, y };
      const expected = await calculateJwkThumbprint(key);
      expect(thumbprintOf({ ...key, kid: 'a' })).toBe(expected);
      expect(thumbprintOf({ ...key, kid: 'b', alg, use: 'sig' })).toBe(expected);
    },
  );

  it('are the example of RFC 7638', () => {
    const n =
      '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw';
    expect(thumbprintOf({ kty: 'RSA', kid: '2011-04-29', n, e: 'AQAB' })).toBe(
      'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
    );
  });
});

describe('discovery', () => {
  const asked: string[] = [];
  const port = (refresh: () => Promise<unknown>) =>
    createAdminPort({
      registry: env.REGISTRY,
      keyRing: env.KEY_RING,
      issuerKeys: {
        ...namespaceOf({}),
        getByName: (name: string) => {
          asked.push(name);
          return { refresh, status: async () => undefined };
        },
      } as unknown as typeof env.ISSUER_KEYS,
      bootstrapToken: 'test-only-nobody-asks-for-this-token-01',
      credentialUsage: () => Promise.reject(new Error('not asked here')),
      usage: async () => ({ ok: true, value: { limitPerMinute: 1, countedPermits: 0 } }),
      changed: () => undefined,
      recentExchanges: async () => ({ records: [], dropped: 0 }),
      usagePoints: async () => ({ points: [], lost: 0, nowMs: 0 }),
    });
  const kubernetes = { clusterUri: 'https://d.example.com', issuerUri: 'https://d.example.com' };

  it.each([
    ['answers', async () => undefined],
    ['fails', () => Promise.reject(new Error('away'))],
    ['never answers', () => new Promise<never>(() => undefined)],
  ])('asks the issuer after a change, which succeeds although it %s', async (_what, refresh) => {
    const { project, id } = await withCluster();
    asked.length = 0;
    const admin = port(refresh);
    const { poolId } = id;
    const create: Command = { type: 'provider.create', poolId, providerId: 'cluster-2', input: { kubernetes } };
    const beganAtMs = Date.now();
    expect(await admin.apply(project.projectNumber, create, by('test'))).toMatchObject({ ok: true });
    expect(Date.now() - beganAtMs).toBeLessThan(5_000);
    expect(asked).toEqual([`${project.projectNumber}/${poolId}/cluster-2`]);
    const patch: Command = { type: 'provider.patch', ...id, input: { description: 'x' }, mask: ['description'] };
    await admin.apply(project.projectNumber, patch, by('test'));
    expect(asked).toHaveLength(1);
    expect(await admin.issuerKeysStatus(project.projectNumber, poolId, 'cluster-2')).toEqual({
      ok: true,
      value: undefined,
    });
  });
});

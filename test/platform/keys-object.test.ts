/** The KeyRing object in workerd: real keys, real storage, real alarms; only its clock, its KEK and its Registry are ours to break. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import type { Caller } from '../../src/core/admin/caller.ts';
import type { SigningAlgorithm } from '../../src/core/resources.ts';
import { createAdminPort } from '../../src/platform/administration/port.ts';
import type { SigningKeyInfo } from '../../src/platform/keys/keeper.ts';
import type { KeyRing } from '../../src/platform/keys/object.ts';
import { createSigner } from '../../src/platform/keys/signer.ts';
import { projectRegistryName } from '../../src/platform/object-names.ts';
import { type Keks, sealKey } from '../../src/platform/secrets.ts';
import { readKeks } from '../../src/platform/settings.ts';
import { by } from '../support/callers.ts';

type Ring = DurableObjectStub<KeyRing>;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const OTHER_KEK = btoa('test-only-other-kek-0123456789ab');
const NEW_KEK = btoa('test-only-new-kek-0123456789abcd');

let lastNumber = 700_000;

function newNumber(): string {
  return String((lastNumber += 1));
}

async function newRing(): Promise<{ readonly ring: Ring; readonly projectNumber: string }> {
  const projectNumber = newNumber();
  const ring = env.KEY_RING.getByName(projectNumber);
  await withRegistry(ring, async () => undefined);
  expect(await ring.create(projectNumber)).toEqual({ ok: true, value: null });
  return { ring, projectNumber };
}

/** As the Registry takes it: what changed, who did it and by which command. */
type Announcement = readonly [shards: string[], caller?: Caller, command?: string];

/** Stands in for the project's Registry, so that it can be away when the test wants it. */
async function withRegistry(ring: Ring, announce: (...announcement: Announcement) => Promise<void>): Promise<void> {
  await withEnv(ring, { REGISTRY: { getByName: () => ({ announce }) } });
}

async function withEnv(ring: Ring, changes: object): Promise<void> {
  await runInDurableObject(ring, (instance) => {
    Reflect.set(instance, 'env', { ...Reflect.get(instance, 'env'), ...changes });
  });
}

async function atTime(ring: Ring, nowMs: number): Promise<void> {
  await runInDurableObject(ring, (instance: KeyRing) => {
    instance.clock = () => nowMs;
  });
}

async function alarmAtMs(ring: Ring): Promise<number | null> {
  return runInDurableObject(ring, (_instance, state) => state.storage.getAlarm());
}

/** Every row of every table, as the object keeps it. */
async function everything(ring: Ring, tables = ['signing_key', 'private_half']): Promise<string> {
  return runInDurableObject(ring, (_instance, state) =>
    JSON.stringify(
      tables.map((table) => state.storage.sql.exec(`SELECT * FROM ${table} ORDER BY kid`).toArray()),
      (_key, value: unknown) => (value instanceof ArrayBuffer ? [...new Uint8Array(value)] : value),
    ),
  );
}

async function listed(ring: Ring): Promise<readonly SigningKeyInfo[]> {
  return (await ring.list()) ?? [];
}

async function states(ring: Ring): Promise<string> {
  return (await listed(ring)).map((key) => `${key.alg} ${key.state}`).join(', ');
}

async function kidOf(ring: Ring, alg: SigningAlgorithm, state: SigningKeyInfo['state']): Promise<string | undefined> {
  return (await listed(ring)).find((key) => key.alg === alg && key.state === state)?.kid;
}

async function publishedKids(ring: Ring): Promise<readonly string[]> {
  return ((await ring.publicKeys())?.keys ?? []).map((key) => key.kid);
}

function testKeks(changes: Partial<Record<'EDGE_STS_KEK' | 'EDGE_STS_KEK_PREVIOUS', string>> = {}): Keks {
  const keks = readKeks({ ...env, ...changes });
  if (!keks.ok) throw new Error(keks.error);
  return keks.value;
}

const BOTH = 'ES256 ACTIVE, ES256 NEXT, RS256 ACTIVE, RS256 NEXT';

describe('making a ring', () => {
  it('gives each algorithm a key that signs and a published one that waits', async () => {
    const { ring } = await newRing();
    expect(await states(ring)).toBe(BOTH);
    const [active, next] = await listed(ring);
    expect(active?.publishTime).toBe(active?.signFrom);
    expect(next).toMatchObject({ publishTime: active?.publishTime, signFrom: active?.signUntil });
    expect(await publishedKids(ring)).toEqual((await listed(ring)).map((key) => key.kid));
  });

  it('twice at once, or again later, is still one ring', async () => {
    const projectNumber = newNumber();
    const ring = env.KEY_RING.getByName(projectNumber);
    const answers = await Promise.all([ring.create(projectNumber), ring.create(projectNumber)]);
    expect(answers.every((answer) => answer.ok)).toBe(true);
    const before = await everything(ring);
    expect(await states(ring)).toBe(BOTH);
    await ring.create(projectNumber);
    expect(await everything(ring)).toBe(before);
  });

  it('never happens by reading, asking to catch up, rotating or an alarm', async () => {
    const ring = env.KEY_RING.getByName(newNumber());
    expect(await ring.signingKeys()).toBeUndefined();
    expect(await ring.publicKeys()).toBeUndefined();
    expect(await ring.list()).toBeUndefined();
    expect(await ring.fault()).toBeUndefined();
    expect(await ring.ping()).toBe('pong');
    expect(await ring.catchUp()).toEqual({ ok: true, value: undefined });
    expect(await ring.rotate({})).toMatchObject({ ok: false, error: { tag: 'not_found' } });
    await runInDurableObject(ring, async (instance: KeyRing, state) => {
      await instance.alarm();
      const tables = state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\'");
      expect(tables.toArray()).toEqual([]);
      expect(await state.storage.getAlarm()).toBeNull();
    });
  });

  it('survives an eviction', async () => {
    const { ring } = await newRing();
    const before = await listed(ring);
    await evictDurableObject(ring);
    expect(await listed(ring)).toEqual(before);
  });
});

describe('what leaves the object', () => {
  it('is, of public keys, exactly what relying parties need: no private member, no key_ops', async () => {
    const { ring } = await newRing();
    const jwks = ((await ring.publicKeys())?.keys ?? []).map((key) => key.jwk);
    for (const text of jwks.map((jwk) => JSON.stringify(jwk))) {
      const jwk: Record<string, string> = JSON.parse(text);
      const expected =
        jwk['kty'] === 'RSA' ? ['kty', 'kid', 'use', 'alg', 'n', 'e'] : ['kty', 'kid', 'use', 'alg', 'crv', 'x', 'y'];
      expect(Object.keys(jwk)).toEqual(expected);
      expect(text).not.toMatch(/key_ops|"ext"|"d"|"p"|"q"|x5c|undefined/);
      expect(jwk['kid']).toBe(await calculateJwkThumbprint(jwk));
    }
    const rsa = jwks.find((jwk) => jwk.kty === 'RSA');
    expect(rsa).toMatchObject({ e: 'AQAB', alg: 'RS256', use: 'sig' });
    expect(rsa?.n).toHaveLength(342);
  });

  it('is, of private halves, only ciphertext bound to project, kid and algorithm', async () => {
    const { ring, projectNumber } = await newRing();
    const keys = (await ring.signingKeys())?.keys ?? [];
    expect(keys).toHaveLength(4);
    expect(new Set(keys.map((key) => key.sealed.iv.join())).size).toBe(4);
    const kek = await sealKey(testKeks().current);
    const open = async (key: (typeof keys)[number], to: readonly string[]): Promise<ArrayBuffer> => {
      const additionalData = new TextEncoder().encode(JSON.stringify(['edge-sts/signing-key/v1', ...to]));
      return crypto.subtle.decrypt({ name: 'AES-GCM', iv: key.sealed.iv, additionalData }, kek, key.sealed.ciphertext);
    };
    const [first, second] = keys;
    if (first === undefined || second === undefined) throw new Error('no keys');
    const pkcs8 = await open(first, [projectNumber, first.kid, first.alg]);
    expect(new Uint8Array(pkcs8)[0]).toBe(0x30);
    await expect(open(first, [projectNumber, second.kid, first.alg])).rejects.toThrow();
    await expect(open(first, ['1000000', first.kid, first.alg])).rejects.toThrow();
    await expect(open(first, [projectNumber, first.kid, 'RS256'])).rejects.toThrow();
  });
});

describe('the timetable', () => {
  it('switches by time, publishes the key after next, and forgets what will not sign again', async () => {
    const { ring } = await newRing();
    const [active, next] = await listed(ring);
    const switchMs = Date.parse(active?.signUntil ?? '');
    await atTime(ring, switchMs);
    expect(await kidOf(ring, 'ES256', 'ACTIVE')).toBe(next?.kid);
    expect(await kidOf(ring, 'ES256', 'NEXT')).toBeUndefined();
    expect(await runDurableObjectAlarm(ring)).toBe(true);
    expect(await states(ring)).toBe(
      'ES256 RETIRING, ES256 ACTIVE, ES256 NEXT, RS256 RETIRING, RS256 ACTIVE, RS256 NEXT',
    );
    expect(await publishedKids(ring)).toContain(active?.kid);
    expect(await everything(ring, ['private_half'])).not.toContain(active?.kid);
    expect(await alarmAtMs(ring)).toBe(switchMs + DAY_MS);
    await atTime(ring, switchMs + DAY_MS);
    expect(await publishedKids(ring)).not.toContain(active?.kid);
    await runDurableObjectAlarm(ring);
    expect(await states(ring)).toBe(BOTH);
    expect(await everything(ring)).not.toContain(active?.kid);
  });

  it('is made up for by the first exchange after a long sleep', async () => {
    const { ring, projectNumber } = await newRing();
    const nowMs = Date.now() + 100 * DAY_MS;
    await atTime(ring, nowMs);
    const signer = createSigner({ namespace: env.KEY_RING, keks: testKeks(), nowMs: () => nowMs });
    const news = { epoch: 1, recent: [] };
    const signed = await signer.sign({ projectNumber, alg: 'ES256', typ: 'JWT', claims: { sub: 'a' }, news });
    expect(signed).toMatchObject({ ok: true, value: { kid: await kidOf(ring, 'ES256', 'ACTIVE') } });
    expect(await states(ring)).toBe(BOTH);
  });
});

describe('rotation by command', () => {
  it('waits for a young successor, tells the epoch, and does nothing the second time', async () => {
    const { ring, projectNumber } = await newRing();
    const announced: string[][] = [];
    await withRegistry(ring, async (shards) => void announced.push(shards));
    const before = await listed(ring);
    const answer = await ring.rotate({ alg: 'ES256' });
    expect(announced).toEqual([[`ring:${projectNumber}`]]);
    const [active, next, ...rsa] = answer.ok ? answer.value : [];
    const leadMs = DAY_MS + 15 * MINUTE_MS;
    expect(Date.parse(next?.signFrom ?? '') - Date.parse(next?.publishTime ?? '')).toBe(leadMs);
    expect(active).toMatchObject({ kid: before[0]?.kid, state: 'ACTIVE', signUntil: next?.signFrom });
    expect(rsa).toEqual(before.slice(2));
    expect(await ring.rotate({ alg: 'ES256' })).toEqual(answer);
    expect(announced).toHaveLength(1);
  });

  it('in an emergency drops the active keys at once; the standby signs and verifies everywhere', async () => {
    const { ring, projectNumber } = await newRing();
    const nowMs = Date.now() + 2 * DAY_MS;
    await atTime(ring, nowMs);
    const before = await listed(ring);
    const answer = await ring.rotate({ emergency: true });
    expect(answer.ok).toBe(true);
    expect(await states(ring)).toBe(
      'ES256 DISTRUSTED, ES256 ACTIVE, ES256 NEXT, RS256 DISTRUSTED, RS256 ACTIVE, RS256 NEXT',
    );
    const [dropped, standby] = before;
    expect(await publishedKids(ring)).not.toContain(dropped?.kid);
    expect(await kidOf(ring, 'ES256', 'ACTIVE')).toBe(standby?.kid);
    expect(await everything(ring, ['private_half'])).not.toContain(dropped?.kid);
    const signer = createSigner({ namespace: env.KEY_RING, keks: testKeks(), nowMs: () => nowMs });
    const news = { epoch: 2, recent: [] };
    const signed = await signer.sign({ projectNumber, alg: 'RS256', typ: 'JWT', claims: { sub: 'a' }, news });
    const jwks = ((await ring.publicKeys())?.keys ?? []).map((key) => ({ ...key.jwk }));
    const verified = await jwtVerify(signed.ok ? signed.value.jwt : '', createLocalJWKSet({ keys: jwks }));
    expect(verified.protectedHeader.kid).toBe(before[3]?.kid);
  });

  it('in an emergency is not done again for five minutes: whoever lost the answer must not burn the standby', async () => {
    const { ring } = await newRing();
    const doneAtMs = Date.now() + 2 * DAY_MS;
    await atTime(ring, doneAtMs);
    expect((await ring.rotate({ alg: 'ES256', emergency: true })).ok).toBe(true);
    const after = await listed(ring);
    const againFrom = new Date(doneAtMs + 5 * MINUTE_MS).toISOString();
    for (const waitedMs of [14, 5 * MINUTE_MS - 1]) {
      await atTime(ring, doneAtMs + waitedMs);
      expect(await ring.rotate({ alg: 'ES256', emergency: true })).toEqual({
        ok: false,
        error: {
          tag: 'failed_precondition',
          description: `The emergency rotation has been done (ES256 at ${new Date(doneAtMs).toISOString()}) and need not be repeated. Another one, which drops the key that signs now, is possible later (ES256 from ${againFrom}).`,
        },
      });
      expect(await listed(ring)).toEqual(after);
    }
    expect((await ring.rotate({ emergency: true })).ok).toBe(true);
    expect((await listed(ring)).filter((key) => key.alg === 'ES256')).toEqual(after.slice(0, 3));
    expect(await kidOf(ring, 'RS256', 'DISTRUSTED')).toBeDefined();
    expect(await ring.rotate({ emergency: true })).toMatchObject({
      error: { tag: 'failed_precondition', description: expect.stringMatching(/ES256.*RS256.*ES256.*RS256/) },
    });
    await atTime(ring, Date.parse(againFrom));
    expect((await ring.rotate({ alg: 'ES256', emergency: true })).ok).toBe(true);
    expect((await listed(ring)).filter((key) => key.state === 'DISTRUSTED')).toHaveLength(3);
  });

  it('twice at once is once, and stands in the history once', async () => {
    const { ring } = await newRing();
    const announced: Announcement[] = [];
    await withRegistry(ring, async (...announcement) => {
      await scheduler.wait(20);
      announced.push(announcement);
    });
    const answers = await Promise.all([ring.rotate({ emergency: true }), ring.rotate({ emergency: true })]);
    expect(answers.some((answer) => answer.ok)).toBe(true);
    expect((await listed(ring)).filter((key) => key.state === 'DISTRUSTED')).toHaveLength(2);
    expect(announced).toHaveLength(1);
  });

  it.each([true, false])(
    'of one algorithm after the other, unannounced, is done once for each; emergency: %s',
    async (emergency) => {
      const { ring, projectNumber } = await newRing();
      await atTime(ring, Date.now() + 2 * DAY_MS);
      await withRegistry(ring, async () => {
        throw new Error('away');
      });
      const notYet = { ok: false, error: { tag: 'not_in_force_yet' } };
      expect(await ring.rotate({ alg: 'ES256', emergency }, by('ada@example.com'))).toMatchObject(notYet);
      expect(await ring.rotate({ alg: 'RS256', emergency }, by('bo@example.com'))).toMatchObject(notYet);
      const after = await listed(ring);
      expect(await ring.rotate({ alg: 'ES256', emergency }, by('ada@example.com'))).toMatchObject(notYet);
      expect(await ring.rotate({ emergency }, by('ada@example.com'))).toMatchObject(notYet);
      expect(await listed(ring)).toEqual(after);
      const announced: Announcement[] = [];
      await withRegistry(ring, async (...announcement) => void announced.push(announcement));
      expect(await ring.rotate({ alg: 'ES256', emergency }, by('ada@example.com'))).toEqual({ ok: true, value: after });
      const command = emergency ? 'signingKeys.rotate emergency' : 'signingKeys.rotate';
      expect(announced).toEqual([
        [[`ring:${projectNumber}`], by('ada@example.com'), command],
        [[`ring:${projectNumber}`], by('bo@example.com'), command],
      ]);
    },
  );

  it('refuses an algorithm that we do not sign with', async () => {
    const { ring } = await newRing();
    const alg: SigningAlgorithm = JSON.parse('"none"');
    expect(await ring.rotate({ alg })).toMatchObject({ ok: false, error: { tag: 'invalid_argument' } });
  });

  it('that could not be announced says so, is announced by the alarm, and is not done twice', async () => {
    const { ring, projectNumber } = await newRing();
    await atTime(ring, Date.now() + 2 * DAY_MS);
    await withRegistry(ring, async () => {
      throw new Error('away');
    });
    const refused = {
      ok: false,
      error: { tag: 'not_in_force_yet', resource: `projects/${projectNumber}/signingKeys` },
    };
    expect(await ring.rotate({ alg: 'ES256', emergency: true })).toEqual(refused);
    const after = await listed(ring);
    expect(after.filter((key) => key.state === 'DISTRUSTED')).toHaveLength(1);
    expect(await ring.rotate({ alg: 'ES256', emergency: true })).toEqual(refused);
    expect(await listed(ring)).toEqual(after);
    // Neither is it after the five minutes, as long as nobody could have heard of it.
    await atTime(ring, Date.now() + 2 * DAY_MS + HOUR_MS);
    expect(await ring.rotate({ alg: 'ES256', emergency: true })).toEqual(refused);
    expect(await listed(ring)).toEqual(after);

    const nowMs = Date.now() + 2 * DAY_MS;
    await atTime(ring, nowMs);
    await runDurableObjectAlarm(ring);
    expect(await ring.fault()).toMatchObject({ what: 'not_in_force_yet', failures: 1 });
    expect(await alarmAtMs(ring)).toBe(nowMs + 4_000);
    const announced: string[][] = [];
    await withRegistry(ring, async (shards) => void announced.push(shards));
    await runDurableObjectAlarm(ring);
    expect(announced).toEqual([[`ring:${projectNumber}`]]);
    expect(await ring.fault()).toBeUndefined();
    await runDurableObjectAlarm(ring);
    expect(announced).toHaveLength(1);
    expect(await listed(ring)).toEqual(after);
  });

  it('moves the epoch of a real project, whose history says who did what', async () => {
    const projectNumber = newNumber();
    const registry = env.REGISTRY.getByName('directory');
    const created = await registry.createProject({ projectId: `keys-${projectNumber}`, projectNumber }, by('test'));
    expect(created.ok).toBe(true);
    const ring = env.KEY_RING.getByName(projectNumber);
    expect(await states(ring)).toBe(BOTH);
    const quota = env.QUOTA.getByName(projectNumber);
    const before = await quota.news();
    expect((await ring.rotate({ alg: 'ES256' }, by('ada@example.com'))).ok).toBe(true);
    const after = await quota.news();
    expect(after.epoch).toBe(before.epoch + 1);
    expect(after.recent.at(-1)).toEqual({ epoch: after.epoch, shards: [`ring:${projectNumber}`] });
    const usage = async (): Promise<never> => Promise.reject(new Error('nobody asks'));
    const admin = createAdminPort({
      registry: env.REGISTRY,
      keyRing: env.KEY_RING,
      issuerKeys: env.ISSUER_KEYS,
      bootstrapToken: 'test-only-nobody-asks-for-this-token-01',
      usage,
      credentialUsage: usage,
      changed: () => undefined,
      recentExchanges: usage,
      usagePoints: usage,
    });
    const rotated = await admin.rotateSigningKeys(
      projectNumber,
      { alg: 'ES256', emergency: true },
      by('bo@example.com'),
    );
    expect(rotated.ok).toBe(true);
    const history = await runInDurableObject(
      env.REGISTRY.getByName(projectRegistryName(projectNumber)),
      (_instance, state) =>
        state.storage.sql.exec('SELECT actor, command FROM history ORDER BY epoch DESC LIMIT 2').toArray(),
    );
    expect(history).toEqual([
      { actor: 'bo@example.com', command: 'signingKeys.rotate emergency' },
      { actor: 'ada@example.com', command: 'signingKeys.rotate' },
    ]);
  });
});

describe('the KEK', () => {
  it('a wrong one destroys nothing, makes nothing and says so; set back, all is as before', async () => {
    const { ring, projectNumber } = await newRing();
    const before = await everything(ring);
    const right = testKeks();
    const nowMs = Date.now() + 30.5 * DAY_MS;
    await atTime(ring, nowMs);
    await withEnv(ring, { EDGE_STS_KEK: OTHER_KEK });
    for (let n = 0; n < 3; n += 1) await runDurableObjectAlarm(ring);
    expect(await ring.fault()).toMatchObject({ failures: 3, what: expect.stringContaining('EDGE_STS_KEK') });
    expect(await alarmAtMs(ring)).toBe(nowMs + 16_000);
    const refused = { ok: false, error: { tag: 'unavailable', dependency: 'EDGE_STS_KEK' } };
    expect(await ring.rotate({})).toMatchObject(refused);
    expect(await ring.rotate({ emergency: true })).toMatchObject(refused);
    expect(await ring.catchUp()).toMatchObject(refused);
    const signer = createSigner({
      namespace: env.KEY_RING,
      keks: testKeks({ EDGE_STS_KEK: OTHER_KEK }),
      nowMs: () => nowMs,
    });
    const news = { epoch: 1, recent: [] };
    const signed = await signer.sign({ projectNumber, alg: 'ES256', typ: 'JWT', claims: {}, news });
    expect(signed).toEqual({ ok: false, error: { tag: 'unavailable', dependency: 'key_ring' } });
    expect(await everything(ring)).toBe(before);

    await withEnv(ring, { EDGE_STS_KEK: env.EDGE_STS_KEK });
    await runDurableObjectAlarm(ring);
    expect(await ring.fault()).toBeUndefined();
    expect(await kidOf(ring, 'ES256', 'NEXT')).toBeDefined();
    const healthy = createSigner({ namespace: env.KEY_RING, keks: right, nowMs: () => nowMs });
    expect((await healthy.sign({ projectNumber, alg: 'ES256', typ: 'JWT', claims: {}, news })).ok).toBe(true);
  });

  it('an absent one makes no ring', async () => {
    const projectNumber = newNumber();
    const ring = env.KEY_RING.getByName(projectNumber);
    await withEnv(ring, { EDGE_STS_KEK: '' });
    expect(await ring.create(projectNumber)).toMatchObject({
      ok: false,
      error: { tag: 'unavailable', dependency: 'EDGE_STS_KEK', description: expect.stringContaining('EDGE_STS_KEK') },
    });
    expect(await ring.list()).toBeUndefined();
  });

  it('a new one beside the previous: the alarm seals anew, and then the previous is not needed', async () => {
    const { ring, projectNumber } = await newRing();
    const before = await listed(ring);
    const jwksBefore = await ring.publicKeys();
    await withEnv(ring, { EDGE_STS_KEK: NEW_KEK, EDGE_STS_KEK_PREVIOUS: env.EDGE_STS_KEK });
    const sealedBefore = await everything(ring, ['private_half']);
    await runDurableObjectAlarm(ring);
    expect(await ring.fault()).toBeUndefined();
    expect(await everything(ring, ['private_half'])).not.toBe(sealedBefore);
    expect(await listed(ring)).toEqual(before);
    expect(await ring.publicKeys()).toEqual(jwksBefore);
    const signer = createSigner({
      namespace: env.KEY_RING,
      keks: testKeks({ EDGE_STS_KEK: NEW_KEK }),
      nowMs: () => Date.now(),
    });
    const news = { epoch: 1, recent: [] };
    for (const alg of ['ES256', 'RS256'] as const) {
      expect((await signer.sign({ projectNumber, alg, typ: 'JWT', claims: {}, news })).ok).toBe(true);
    }
  });
});

it('the alarm never throws, not even without its tables or its Registry', async () => {
  const { ring } = await newRing();
  await runInDurableObject(ring, async (instance: KeyRing, state) => {
    state.storage.sql.exec('DROP TABLE private_half');
    await expect(instance.alarm()).resolves.toBeUndefined();
    expect(await instance.fault()).toMatchObject({ failures: 1 });
    state.storage.sql.exec('DROP TABLE signing_key');
    await expect(instance.alarm()).resolves.toBeUndefined();
    expect(await state.storage.getAlarm()).not.toBeNull();
  });
});

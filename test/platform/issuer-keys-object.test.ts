/** The IssuerKeys object in workerd: real storage, real keys, real alarms; only its clock, its Registry and the issuer are ours. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { describe, expect, it } from 'vitest';
import { openCopy } from '../../src/platform/issuer-keys/copy.ts';
import { issuerKeysName } from '../../src/platform/issuer-keys/discovered.ts';
import type { IssuerKeys } from '../../src/platform/issuer-keys/object.ts';
import { readKeks } from '../../src/platform/settings.ts';
import { EC_KEY, RSA_KEY, rsaModulus } from '../support/admin-samples.ts';
import { createIssuer } from '../support/issuer.ts';
import {
  alarmAtMs,
  aProvider,
  discoveryWorld,
  type FakeIssuer,
  kids,
  mostIn30Seconds,
  tables,
  withEnv,
  type World,
} from './issuer-keys-support.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

/** A world whose object has fetched once, and whose cool-down is over. */
async function settled(change: Parameters<typeof discoveryWorld>[0] = {}): Promise<World> {
  const world = await discoveryWorld(change);
  expect(await kids(world.object)).toBeUndefined();
  await world.object.keys();
  expect(await kids(world.object)).toEqual([world.key.kid]);
  world.clock.nowMs += 31 * SECOND_MS;
  world.issuer.requests.length = 0;
  return world;
}

describe('the first look', () => {
  it('asks discovery, then the keys, and nothing else', async () => {
    const { object, issuer, key, clock } = await discoveryWorld();
    const found = await object.keys();
    expect(issuer.requests.map(({ url }) => url)).toEqual([
      'https://issuer.example/id/1/.well-known/openid-configuration',
      'https://issuer.example/id/1/keys',
    ]);
    const thumbprint = await calculateJwkThumbprint(key.publicJwk);
    const { kty, crv, x, y, alg, use } = key.publicJwk;
    expect(found).toEqual({
      issuerUri: 'https://issuer.example/id/1',
      jwksUri: 'https://issuer.example/id/1/keys',
      keys: [{ kty, kid: key.kid, crv, x, y, alg, use, thumbprint }],
      fetchedAtMs: clock.nowMs,
      maxAgeSeconds: 3_600,
      staleAfterMs: clock.nowMs + 24 * HOUR_MS,
      nextRefreshMs: found?.nextRefreshMs,
    });
    expect(await object.events()).toEqual([
      { atMs: clock.nowMs, what: 'changed', added: [`${key.kid} ${thumbprint}`], removed: [], reason: '' },
    ]);
  });

  it.each(['https://issuer.example/', 'https://issuer.example', 'https://issuer.example/a/b/'])(
    'of %s puts one slash before .well-known',
    async (issuerUri) => {
      const { object, issuer, key } = await discoveryWorld({ issuerUri });
      expect((await object.keys())?.keys.map(({ kid }) => kid)).toEqual([key.kid]);
      expect(issuer.requests[0]?.url).toBe(`${issuerUri.replace(/\/$/, '')}/.well-known/openid-configuration`);
    },
  );

  it('by a hundred at once is one look', async () => {
    const { object, issuer, key } = await discoveryWorld();
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, n) => (n % 2 === 0 ? object.keys() : object.keysAfterUnknownKid(`kid-${n}`))),
    );
    expect(issuer.requests.length).toBe(2);
    expect(all.every((found) => found?.keys[0]?.kid === key.kid)).toBe(true);
  });

  it('follows jwks_uri to a host that the administrator named', async () => {
    const { object, issuer, key } = await discoveryWorld({ allowedJwksHosts: ['keys.example'] });
    issuer.jwksUri = 'https://keys.example/v1?tenant=1';
    expect((await object.keys())?.keys.map(({ kid }) => kid)).toEqual([key.kid]);
  });

  it('that fails is told, and made again as soon as the cool-down allows', async () => {
    const { object, issuer, key, clock } = await discoveryWorld();
    issuer.discovery = () => new Response('no', { status: 503 });
    expect(await object.keys()).toBeUndefined();
    expect(await object.status()).toMatchObject({
      keys: [],
      lastError: 'The discovery document was answered with status 503.',
    });
    issuer.behave();
    clock.nowMs += 29 * SECOND_MS;
    expect(await object.keys()).toBeUndefined();
    clock.nowMs += SECOND_MS;
    expect((await object.keys())?.keys.map(({ kid }) => kid)).toEqual([key.kid]);
  });
});

describe("a stranger's guess", () => {
  async function nothingHappens(objectName: string, { object, issuer }: Pick<World, 'object' | 'issuer'>) {
    expect(await object.keys(), objectName).toBeUndefined();
    expect(await object.keysAfterUnknownKid('kid')).toBeUndefined();
    expect(await object.refresh()).toBeUndefined();
    expect(await object.status()).toBeUndefined();
    expect(await object.events()).toEqual([]);
    expect(await object.ping()).toBe('pong');
    await runInDurableObject(object, (instance: IssuerKeys) => instance.alarm());
    expect(issuer.requests).toEqual([]);
    expect(await tables(object)).toEqual([]);
    expect(await alarmAtMs(object)).toBeNull();
  }

  it('at a provider that does not exist fetches nothing and writes nothing', async () => {
    const world = await discoveryWorld();
    world.registry.provider = undefined;
    await nothingHappens(world.objectName, world);
  });

  it.each(['uploaded', 'pushed'] as const)('at a provider whose keys are %s neither', async (keySource) => {
    const world = await discoveryWorld({ keySource });
    await nothingHappens(world.objectName, world);
  });

  it('while the Registry is away neither', async () => {
    const world = await discoveryWorld();
    world.registry.isAway = true;
    await nothingHappens(world.objectName, world);
  });

  it.each(['', 'x', 'demo/pool-one/cluster-one', '700001/pool-one', '700001/pool-one/cluster-one/more', '700001/../x'])(
    'by the name %j does not even ask the Registry',
    async (objectName) => {
      const { issuer } = await discoveryWorld();
      const object = env.ISSUER_KEYS.getByName(objectName);
      const asked: string[] = [];
      await withEnv(object, { REGISTRY: { getByName: (name: string) => asked.push(name) } });
      await nothingHappens(objectName, { object, issuer });
      expect(asked).toEqual([]);
    },
  );

  it('in the real Registry finds no provider', async () => {
    const objectName = issuerKeysName({ projectNumber: '799999', poolId: 'pool-one', providerId: 'cluster-one' });
    const object = env.ISSUER_KEYS.getByName(objectName);
    const { issuer } = await discoveryWorld();
    await nothingHappens(objectName, { object, issuer });
  });
});

describe('an issuer URL that no stranger should make us ask', () => {
  it.each([
    'https://169.254.169.254/latest',
    'https://0x7f.1/',
    'https://[::ffff:127.0.0.1]/',
    'https://kubernetes.default.svc.cluster.local',
    'https://metadata.google.internal/',
    'https://localhost/',
    'http://issuer.example/',
    'https://issuer.example:22/',
    'https://a@issuer.example/',
    'https://issuer.example/?x=1',
    'https://issuer.example/a/../b',
    'https://issuer.example./',
    'https://sts.example.com/600001/pool-one',
    'https://STS.example.com/',
    'file:///etc/passwd',
  ])('%s is not asked, and its reason stands on the provider', async (issuerUri) => {
    const { object, issuer } = await discoveryWorld({ issuerUri });
    expect(await object.keys()).toBeUndefined();
    expect(issuer.requests).toEqual([]);
    expect((await object.status())?.lastError).toMatch(/^issuerUri (is|must)/);
  });

  it('while the settings are wrong, nobody is asked', async () => {
    const { object, issuer } = await discoveryWorld();
    await withEnv(object, { PUBLIC_ORIGIN: '' });
    expect(await object.keys()).toBeUndefined();
    expect(issuer.requests).toEqual([]);
    expect((await object.status())?.lastError).toContain('PUBLIC_ORIGIN');
  });
});

const CANARY = 'canary-of-the-body';

async function privateJwk(): Promise<object> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: 'private', alg: 'ES256' };
}

async function manyKeys(count: number): Promise<object> {
  const { publicJwk } = await createIssuer();
  return { keys: Array.from({ length: count }, (_, n) => ({ ...publicJwk, kid: `k${n}` })) };
}

/** A body that never ends by itself. */
function stream(pull: (controller: ReadableStreamDefaultController) => unknown): Response {
  return new Response(new ReadableStream({ pull: async (controller) => void (await pull(controller)) }), {
    headers: { 'content-type': 'application/json' },
  });
}

const redirect = (location: string) => () => new Response(CANARY, { status: 302, headers: { location } });
const html = () => new Response(`<html>${CANARY}`, { headers: { 'content-type': 'text/html; charset=utf-8' } });
const publishing = (key: object) => (issuer: FakeIssuer) => {
  issuer.jwks = { keys: [key] };
};

/** What it does, and a part of what the operator reads. */
const HOSTILE: readonly (readonly [
  habit: string,
  because: string,
  set: (issuer: FakeIssuer) => void | Promise<void>,
])[] = [
  ['redirects discovery to a host inside', 'redirect', (i) => void (i.discovery = redirect('http://169.254.169.254/'))],
  ['redirects discovery to itself', 'redirect', (i) => void (i.discovery = redirect(`${i.issuerUri}/elsewhere`))],
  ['redirects its keys to a host of evil', 'redirect', (i) => void (i.keys = redirect('https://evil.example/keys'))],
  [
    'answers 200 after a redirect was followed',
    'redirect',
    (i) => {
      i.keys = () => Object.defineProperty(Response.json(i.jwks), 'redirected', { value: true });
    },
  ],
  ['answers 404', 'status 404', (i) => void (i.discovery = () => new Response(CANARY, { status: 404 }))],
  ['answers 500 for its keys', 'status 500', (i) => void (i.keys = () => new Response(CANARY, { status: 500 }))],
  ['answers 204', 'status 204', (i) => void (i.keys = () => new Response(null, { status: 204 }))],
  ['answers HTML for discovery', 'HTML', (i) => void (i.discovery = html)],
  ['answers HTML for its keys', 'HTML', (i) => void (i.keys = html)],
  [
    'answers HTML without saying so',
    'not valid JSON',
    (i) => void (i.discovery = () => new Response(`<html>${CANARY}`)),
  ],
  ['answers nothing', 'not valid JSON', (i) => void (i.keys = () => new Response(''))],
  [
    'breaks off',
    'could not be fetched',
    (i) => {
      i.keys = () => stream((controller) => controller.error(new Error(CANARY)));
    },
  ],
  [
    'is not reached',
    'could not be fetched',
    (i) => {
      i.discovery = () => {
        throw new TypeError(CANARY);
      };
    },
  ],
  [
    'says a length of 50 MB',
    '256 KiB',
    (i) => {
      i.keys = () => new Response('{}', { headers: { 'content-length': '50000000' } });
    },
  ],
  [
    'sends without end',
    '256 KiB',
    (i) => {
      i.keys = () => stream((controller) => controller.enqueue(new TextEncoder().encode(' '.repeat(65_536))));
    },
  ],
  ['sends 256 KiB and a byte', '256 KiB', (i) => void (i.discovery = () => new Response(`"${'x'.repeat(262_143)}"`))],
  ['sends what is not UTF-8', 'UTF-8', (i) => void (i.keys = () => new Response(new Uint8Array([0x22, 0xff, 0x22])))],
  [
    'names another issuer',
    'another issuer',
    (i) => {
      i.discovery = () => Response.json({ issuer: `${CANARY}.example`, jwks_uri: i.jwksUri });
    },
  ],
  [
    'names itself with a slash more',
    'another issuer',
    (i) => {
      i.discovery = () => Response.json({ issuer: `${i.issuerUri}/`, jwks_uri: i.jwksUri });
    },
  ],
  [
    'names its issuer twice',
    'same member twice',
    (i) => {
      i.discovery = () => new Response(`{"issuer":"x","\\u0069ssuer":"${i.issuerUri}","jwks_uri":"${i.jwksUri}"}`);
    },
  ],
  ['nests 100,000 deep', 'levels', (i) => void (i.keys = () => new Response('['.repeat(9_999) + ']'.repeat(9_999)))],
  ['says no jwks_uri', 'no "jwks_uri"', (i) => void (i.discovery = () => Response.json({ issuer: i.issuerUri }))],
  ['is no object', 'not a JSON object', (i) => void (i.discovery = () => Response.json([i.issuerUri]))],
  ['leads to another host', 'allowedJwksHosts', (i) => void (i.jwksUri = 'https://evil.example/keys')],
  ['leads to a neighbour', 'IP address', (i) => void (i.jwksUri = 'https://169.254.169.254/keys')],
  ['leads to another port', 'port', (i) => void (i.jwksUri = 'https://issuer.example:6443/keys')],
  ['leads to http', 'https://', (i) => void (i.jwksUri = 'http://issuer.example/keys')],
  ['publishes a private key', 'secret member "d"', async (i) => publishing(await privateJwk())(i)],
  ['publishes a symmetric key', 'secret member "k"', publishing({ kty: 'oct', kid: 'o', k: 'c2VjcmV0' })],
  ['publishes a symmetric key without its bytes', 'symmetric', publishing({ kty: 'oct', kid: 'o' })],
  ['publishes 1,024 bits', '1024 bits', publishing({ ...RSA_KEY, n: rsaModulus(1_024) })],
  ['publishes 16,384 bits', '16384 bits', publishing({ ...RSA_KEY, n: rsaModulus(16_384) })],
  ['publishes an exponent of 3', 'exponent', publishing({ ...RSA_KEY, e: 'Aw' })],
  ['publishes a point off its curve', 'curve', publishing({ ...EC_KEY, y: EC_KEY.x })],
  ['publishes one kid twice', 'twice', (i) => void (i.jwks = { keys: [EC_KEY, { ...RSA_KEY, kid: EC_KEY.kid }] })],
  [
    'publishes 10,000 keys',
    '10000 keys',
    async (i) => void (i.jwks = { keys: Array.from({ length: 10_000 }, () => ({})) }),
  ],
  ['publishes 101 keys', '101 keys', async (i) => void (i.jwks = await manyKeys(101))],
  ['publishes no key', 'no key', (i) => void (i.jwks = { keys: [] })],
  ['publishes only what nobody here knows', 'no key', publishing({ kty: 'OKP', kid: 'ed', crv: 'Ed25519', x: 'AA' })],
  ['publishes a text', '"keys"', (i) => void (i.jwks = CANARY)],
];

describe('an issuer that', () => {
  it.each(HOSTILE)('%s leaves the last good keys, and says why: %s', async (_habit, because, misbehave) => {
    const { object, issuer, key, clock } = await settled();
    await misbehave(issuer);
    const found = await object.keysAfterUnknownKid('new');
    expect(found?.keys.map(({ kid }) => kid)).toEqual([key.kid]);
    const status = await object.status();
    expect(status?.lastError).toContain(because);
    expect(JSON.stringify([status, await object.events()])).not.toContain(CANARY);
    expect(status).toMatchObject({ failuresInARow: 1, lastSuccessTime: new Date(clock.nowMs - 31_000).toISOString() });
    expect((await object.events())[0]).toMatchObject({ what: 'failed', reason: status?.lastError });
    expect(issuer.requests.every(({ url }) => url.startsWith('https://issuer.example/id/1/'))).toBe(true);
    // It comes to its senses.
    issuer.behave();
    Object.assign(issuer, { jwksUri: `${issuer.issuerUri}/keys`, jwks: { keys: [key.publicJwk, EC_KEY] } });
    clock.nowMs += 30 * SECOND_MS;
    expect((await object.keysAfterUnknownKid('ec-1'))?.keys.length).toBe(2);
    expect((await object.status())?.lastError).toBeUndefined();
  });

  it('never answers, sends nothing or drips has 5 s, for head and body together', async () => {
    const drip = async (controller: ReadableStreamDefaultController) => {
      await scheduler.wait(100);
      controller.enqueue(new TextEncoder().encode(' '));
    };
    const never = () => new Promise<Response>(() => undefined);
    const slow = [never, () => stream(never), () => stream(drip)];
    await Promise.all(
      slow.map(async (answer) => {
        const { object, issuer, key } = await settled();
        issuer.keys = answer;
        const beganAtMs = Date.now();
        expect((await object.keysAfterUnknownKid('new'))?.keys.map(({ kid }) => kid)).toEqual([key.kid]);
        expect(Date.now() - beganAtMs).toBeGreaterThan(4_900);
        expect(Date.now() - beganAtMs).toBeLessThan(8_000);
        expect((await object.status())?.lastError).toBe('The JWKS did not arrive in full within 5 s.');
      }),
    );
  });

  it('gives a trusted kid to another key is not believed until the trusted one is stale', async () => {
    const { object, issuer, key, clock } = await settled();
    const other = await createIssuer('ES256', key.kid);
    const fresh = await createIssuer();
    issuer.jwks = { keys: [fresh.publicJwk, other.publicJwk] };
    const trusted = await calculateJwkThumbprint(key.publicJwk);
    expect((await object.keysAfterUnknownKid('new'))?.keys.map((k) => k.thumbprint)).toEqual([trusted]);
    expect((await object.status())?.lastError).toContain('keys[1] has the kid of a key that is trusted now');
    clock.nowMs += 24 * HOUR_MS;
    const swapped = await calculateJwkThumbprint(other.publicJwk);
    const found = await object.keysAfterUnknownKid('new');
    expect(found?.keys.map((k) => k.thumbprint)).toContain(swapped);
    expect((await object.events())[0]).toMatchObject({ what: 'changed', removed: [`${key.kid} ${trusted}`] });
  });
});

describe('an odd key', () => {
  it('is skipped with a warning, and its neighbours serve', async () => {
    const { object, issuer, key, clock } = await settled();
    const { kid: _kid, ...nameless } = EC_KEY;
    issuer.jwks = {
      keys: [
        { kty: 'OKP', kid: 'ed', crv: 'Ed25519', x: 'AA' },
        { kty: 'EC', kid: 'bitcoin', crv: 'secp256k1', x: 'AA', y: 'AA' },
        { ...EC_KEY, kid: '' },
        nameless,
        { ...RSA_KEY, kid: 'enc', use: 'enc' },
        { ...RSA_KEY, kid: 'pss', alg: 'PS256' },
        { kty: 'x\u202e\u0007'.repeat(500), kid: 'strange' },
        { ...key.publicJwk, x5c: ['A'.repeat(100_000)], x5t: 'AA' },
      ],
    };
    const found = await object.keysAfterUnknownKid('new');
    expect(found?.keys.map(({ kid }) => kid)).toEqual([key.kid]);
    expect(JSON.stringify(found)).not.toContain('x5');
    const status = await object.status();
    expect(status).toMatchObject({ failuresInARow: 0, lastSuccessTime: new Date(clock.nowMs).toISOString() });
    expect(status?.warnings.length).toBe(7);
    expect(status?.warnings.join('\n')).toContain('keys[2] has no "kid"; it is skipped');
    expect(status?.warnings.join('')).toMatch(/^[\u0020-\u007e…]*$/);
    expect(status?.warnings.every((warning) => warning.length < 400)).toBe(true);
  });

  it('with a private half refuses the whole set, whatever its kind', async () => {
    const { object, issuer, key } = await settled();
    issuer.jwks = { keys: [key.publicJwk, { kty: 'OKP', crv: 'Ed25519', x: 'AA', d: 'AA' }] };
    await object.keysAfterUnknownKid('new');
    expect((await object.status())?.lastError).toContain('secret member "d"');
  });
});

describe('rotation', () => {
  it('brings new keys and drops what the issuer dropped', async () => {
    const { object, issuer, key, clock } = await settled();
    const next = await createIssuer('RS256');
    issuer.jwks = { keys: [key.publicJwk, next.publicJwk] };
    expect((await object.keysAfterUnknownKid(next.kid))?.keys.map(({ kid }) => kid)).toEqual([key.kid, next.kid]);
    issuer.jwks = { keys: [next.publicJwk] };
    clock.nowMs = (await object.keys())?.nextRefreshMs ?? 0;
    await runDurableObjectAlarm(object);
    expect(await kids(object)).toEqual([next.kid]);
    const [dropped, added] = await object.events();
    expect(dropped).toMatchObject({ what: 'changed', added: [] });
    expect(dropped?.removed.map((text) => text.split(' ')[0])).toEqual([key.kid]);
    expect(added?.added.map((text) => text.split(' ')[0])).toEqual([next.kid]);
  });

  it('keeps at most 100 events', async () => {
    const { object, issuer, clock } = await settled();
    for (let n = 0; n < 110; n++) {
      issuer.jwks = { keys: [{ ...EC_KEY, kid: `k${n}` }] };
      clock.nowMs += 30 * SECOND_MS;
      await object.refresh();
    }
    const events = await object.events();
    expect(events.length).toBe(100);
    expect(events[0]?.added[0]).toMatch(/^k109 /);
  });
});

describe('random kids', () => {
  it('10,000 of them in 30 s cause one look: two requests', async () => {
    const { object, issuer, clock } = await settled();
    await runInDurableObject(object, async (instance: IssuerKeys) => {
      for (let n = 0; n < 10_000; n += 100) {
        clock.nowMs += 300;
        await Promise.all(Array.from({ length: 100 }, (_, m) => instance.keysAfterUnknownKid(`random-${n + m}`)));
      }
    });
    expect(issuer.requests.length).toBe(2);
  });

  it('for an hour, with an issuer that is slow or fails: never more than two requests in any 30 s', async () => {
    const { object, issuer, clock } = await settled();
    const slow = async () => {
      clock.nowMs += 4_000;
      return new Response('', { status: 500 });
    };
    await runInDurableObject(object, async (instance: IssuerKeys) => {
      for (let n = 0; n < 3_600; n++) {
        clock.nowMs += SECOND_MS;
        issuer.discovery =
          n % 400 > 200 ? slow : () => Response.json({ issuer: issuer.issuerUri, jwks_uri: issuer.jwksUri });
        if (n % 100 === 0) await instance.alarm();
        if (n % 250 === 0) await instance.refresh();
        await Promise.all([instance.keysAfterUnknownKid(`random-${n}`), instance.keys()]);
      }
    });
    expect(issuer.requests.length).toBeGreaterThan(150);
    expect(mostIn30Seconds(issuer.requests)).toBe(2);
  });

  it('a real rotation among them is honoured as soon as the cool-down is over', async () => {
    const { object, issuer, key, clock } = await settled();
    await object.keysAfterUnknownKid('random');
    const next = await createIssuer();
    issuer.jwks = { keys: [key.publicJwk, next.publicJwk] };
    clock.nowMs += 29 * SECOND_MS;
    await object.keysAfterUnknownKid(next.kid);
    expect(await kids(object)).toEqual([key.kid]);
    clock.nowMs += SECOND_MS;
    await object.keysAfterUnknownKid(next.kid);
    expect(await kids(object)).toEqual([key.kid, next.kid]);
  });

  it('a kid that is shown for ever is looked for every 5 minutes, another one as before', async () => {
    const { object, issuer, clock } = await settled();
    const shown = async (minutes: number) => {
      issuer.requests.length = 0;
      for (let n = 0; n < minutes * 6; n++) {
        clock.nowMs += 10 * SECOND_MS;
        await object.keysAfterUnknownKid('of-a-cluster-that-is-gone');
      }
      return issuer.requests.length / 2;
    };
    expect(await shown(11)).toBeGreaterThan(18);
    expect(await shown(20)).toBeLessThanOrEqual(5);
    issuer.requests.length = 0;
    clock.nowMs += 30 * SECOND_MS;
    await object.keysAfterUnknownKid('another');
    expect(issuer.requests.length).toBe(2);
  });

  it('a kid that no set could hold is not looked for', async () => {
    const { object, issuer } = await settled();
    await object.keysAfterUnknownKid('x'.repeat(257));
    expect(issuer.requests).toEqual([]);
  });

  it('the cool-down outlives the instance', async () => {
    const { object, issuer, clock, connect } = await settled();
    await object.keysAfterUnknownKid('random');
    await evictDurableObject(object);
    await connect();
    clock.nowMs += 29 * SECOND_MS;
    await object.keysAfterUnknownKid('another');
    expect(issuer.requests.length).toBe(2);
  });
});

describe('the alarm', () => {
  it.each([
    ['max-age=3600', 3_600],
    ['public, max-age=86400, must-revalidate', 3_600],
    ['max-age=900', 900],
    ['Max-Age="900"', 900],
    ['max-age=5', 300],
    ['max-age=0', 300],
    ['no-store', 300],
    ['no-cache, max-age=3600', 300],
    ['', 600],
    ['max-age=soon', 600],
    ['max-age=99999999999999999999', 600],
  ])('after "%s" comes at 80 %% of %i s, give or take a tenth', async (cacheControl, lifeSeconds) => {
    const { object, issuer, clock } = await discoveryWorld();
    issuer.cacheControl = cacheControl;
    const found = await object.keys();
    expect(found?.maxAgeSeconds).toBe(lifeSeconds);
    const waitSeconds = ((found?.nextRefreshMs ?? 0) - clock.nowMs) / 1_000;
    expect(waitSeconds).toBeGreaterThanOrEqual(lifeSeconds * 0.72 - 0.001);
    expect(waitSeconds).toBeLessThanOrEqual(lifeSeconds * 0.88 + 0.001);
    // The copy is put in the background, and the alarm is first set for its sake.
    await expect.poll(() => alarmAtMs(object)).toBe(found?.nextRefreshMs);
  });

  it('too early changes nothing', async () => {
    const { object, issuer } = await settled();
    await runDurableObjectAlarm(object);
    expect(issuer.requests).toEqual([]);
    expect(await alarmAtMs(object)).toBe((await object.keys())?.nextRefreshMs);
  });

  it('fails ten times in a row, and the eleventh still runs and finds the keys', async () => {
    const { object, issuer, key, clock } = await settled();
    const next = await createIssuer();
    issuer.discovery = () => {
      throw new TypeError('connection refused');
    };
    const waitsMs: number[] = [];
    for (let n = 1; n <= 10; n++) {
      clock.nowMs = (await alarmAtMs(object)) ?? 0;
      expect(await runDurableObjectAlarm(object)).toBe(true);
      expect((await object.status())?.failuresInARow).toBe(n);
      waitsMs.push(((await alarmAtMs(object)) ?? 0) - clock.nowMs);
    }
    expect(issuer.requests.length).toBe(10);
    const bases = [30, 60, 120, 240, 480, 900, 900, 900, 900, 900].map((seconds) => seconds * SECOND_MS);
    expect(waitsMs.every((waitMs, n) => waitMs >= (bases[n] ?? 0) && waitMs <= (bases[n] ?? 0) * 1.1)).toBe(true);
    // One event, not ten: it was the same failure.
    expect((await object.events()).filter((event) => event.what === 'failed').length).toBe(1);
    expect(await kids(object)).toEqual([key.kid]);
    issuer.behave();
    issuer.jwks = { keys: [next.publicJwk] };
    clock.nowMs = (await alarmAtMs(object)) ?? 0;
    await runDurableObjectAlarm(object);
    expect(await kids(object)).toEqual([next.kid]);
    expect(await object.status()).toMatchObject({ failuresInARow: 0 });
  });

  it('goes on while the Registry is away, and nothing is fetched meanwhile', async () => {
    const { object, issuer, key, clock, registry } = await settled();
    registry.isAway = true;
    for (let n = 0; n < 12; n++) {
      clock.nowMs = (await alarmAtMs(object)) ?? 0;
      await runDurableObjectAlarm(object);
    }
    expect(issuer.requests).toEqual([]);
    expect(await kids(object)).toEqual([key.kid]);
    expect((await object.status())?.lastError).toBe('The configuration of the project could not be read.');
    registry.isAway = false;
    clock.nowMs = (await alarmAtMs(object)) ?? 0;
    await runDurableObjectAlarm(object);
    expect(issuer.requests.length).toBe(2);
  });

  it('does not throw where the storage itself fails, and comes again', async () => {
    const { object, clock } = await settled();
    clock.nowMs += HOUR_MS;
    await runInDurableObject(object, async (instance: IssuerKeys, state) => {
      state.storage.sql.exec('ALTER TABLE issuer RENAME COLUMN failures TO lost');
      await state.storage.deleteAlarm();
      await expect(instance.alarm()).resolves.toBeUndefined();
      expect(await state.storage.getAlarm()).toBeGreaterThan(Date.now());
    });
  });

  it.each([
    ['the provider is gone', undefined],
    ['its keys are uploaded now', aProvider({ keySource: 'uploaded' })],
  ])('ends when %s, and takes the keys along', async (_why, provider) => {
    const { object, issuer, clock, registry, objectName } = await settled();
    await expect.poll(() => env.CACHE.get(`keys:${objectName}`)).not.toBeNull();
    registry.provider = provider;
    clock.nowMs += HOUR_MS;
    await runDurableObjectAlarm(object);
    expect(issuer.requests).toEqual([]);
    expect(await object.status()).toBeUndefined();
    expect(await object.keys()).toBeUndefined();
    expect(await alarmAtMs(object)).toBeNull();
    expect((await object.events())[0]).toMatchObject({ what: 'forgotten' });
    await expect.poll(() => env.CACHE.get(`keys:${objectName}`)).toBeNull();
  });

  it('that was lost is made good by whoever asks for keys', async () => {
    const { object, issuer, clock } = await settled();
    await runInDurableObject(object, (_instance, state) => state.storage.deleteAlarm());
    clock.nowMs += HOUR_MS;
    await object.keys();
    await expect.poll(() => issuer.requests.length).toBe(2);
    await expect.poll(() => alarmAtMs(object)).toBeGreaterThan(clock.nowMs);
  });
});

describe('a provider that is changed', () => {
  it('to another issuer loses the keys of the first at once, and gets those of the second', async () => {
    const { object, issuer, registry, clock } = await settled();
    const second = await createIssuer();
    registry.provider = aProvider({ issuerUri: 'https://second.example' });
    expect((await object.refresh())?.keys).toEqual([]);
    expect(await object.keys()).toBeUndefined();
    clock.nowMs += 30 * SECOND_MS;
    const { fetch } = issuer;
    await runInDurableObject(object, (instance: IssuerKeys) => {
      instance.fetcher = async (url, init) => {
        if (!url.startsWith('https://second.example/')) return fetch(url, init);
        const jwks_uri = 'https://second.example/keys';
        return Response.json(
          url === jwks_uri ? { keys: [second.publicJwk] } : { issuer: 'https://second.example', jwks_uri },
        );
      };
    });
    expect(await object.keys()).toMatchObject({ issuerUri: 'https://second.example', keys: [{ kid: second.kid }] });
  });

  it('is seen by whoever knows the new issuer, where nobody told the object', async () => {
    const { object, issuer, key, registry } = await settled();
    registry.provider = aProvider({ issuerUri: 'https://second.example' });
    expect(await object.keys('https://issuer.example/id/1')).toMatchObject({ keys: [{ kid: key.kid }] });
    expect(await object.keysAfterUnknownKid(key.kid, 'https://second.example')).toBeUndefined();
    expect(issuer.requests[0]?.url).toBe('https://second.example/.well-known/openid-configuration');
  });

  it('so that the host of its keys may no longer speak for it loses them', async () => {
    const world = await discoveryWorld({ allowedJwksHosts: ['keys.example'] });
    const { object, issuer, clock, registry } = world;
    issuer.jwksUri = 'https://keys.example/v1';
    expect((await object.keys())?.keys.length).toBe(1);
    clock.nowMs += 30 * SECOND_MS;
    registry.provider = aProvider({ allowedJwksHosts: [] });
    expect(await object.refresh()).toMatchObject({ keys: [], failuresInARow: 1 });
  });

  it('within the cool-down is looked at as soon as that is over', async () => {
    const { object, issuer, clock } = await discoveryWorld();
    await object.keys();
    clock.nowMs += 10 * SECOND_MS;
    await object.refresh();
    expect(issuer.requests.length).toBe(2);
    expect(await alarmAtMs(object)).toBe(clock.nowMs + 20 * SECOND_MS);
    clock.nowMs += 20 * SECOND_MS;
    await runDurableObjectAlarm(object);
    expect(issuer.requests.length).toBe(4);
  });

  it('while an attempt is under way is looked at once more', async () => {
    const { object, issuer, clock } = await settled();
    let answer: (() => void) | undefined;
    const { discovery } = issuer;
    issuer.discovery = async () => {
      await new Promise<void>((resolve) => (answer = resolve));
      return discovery();
    };
    await runInDurableObject(object, async (instance: IssuerKeys) => {
      const first = instance.keysAfterUnknownKid('new');
      await expect.poll(() => answer).toBeDefined();
      const second = instance.refresh();
      answer?.();
      await Promise.all([first, second]);
    });
    expect(issuer.requests.length).toBe(2);
    expect((await object.status())?.nextRefreshTime).toBe(new Date(clock.nowMs + 30 * SECOND_MS).toISOString());
  });

  it('with maxStale 0 has keys for as long as they are fresh', async () => {
    const { object, clock } = await discoveryWorld({ maxStaleSeconds: 0 });
    const found = await object.keys();
    expect(found?.staleAfterMs).toBe(clock.nowMs + HOUR_MS);
    expect(found?.nextRefreshMs).toBeLessThan(clock.nowMs + HOUR_MS);
  });
});

describe('the status', () => {
  it('says age, kids, thumbprints, times and warnings, and reading it fetches nothing', async () => {
    const { object, issuer, key, clock } = await settled();
    const fetchedAtMs = clock.nowMs - 31 * SECOND_MS;
    const { nextRefreshTime, ...status } = (await object.status()) ?? {};
    expect(status).toEqual({
      issuerUri: 'https://issuer.example/id/1',
      keys: [{ kid: key.kid, thumbprint: await calculateJwkThumbprint(key.publicJwk) }],
      ageSeconds: 31,
      lastSuccessTime: new Date(fetchedAtMs).toISOString(),
      lastAttemptTime: new Date(fetchedAtMs).toISOString(),
      staleAfterTime: new Date(fetchedAtMs + 24 * HOUR_MS).toISOString(),
      failuresInARow: 0,
      warnings: [],
    });
    expect(Date.parse(nextRefreshTime ?? '')).toBeGreaterThan(clock.nowMs);
    expect(issuer.requests).toEqual([]);
  });
});

describe('the copy in KV', () => {
  const keks = readKeks(env);
  if (!keks.ok) throw new Error(keks.error);

  it('is written under our MAC after a fetch, and kept no longer than it is good', async () => {
    const { object, objectName, clock } = await settled();
    await expect.poll(() => env.CACHE.get(`keys:${objectName}`)).not.toBeNull();
    const text = (await env.CACHE.get(`keys:${objectName}`)) ?? '';
    expect(await openCopy(keks.value, objectName, text, clock.nowMs)).toEqual(await object.keys());
    expect(await openCopy(keks.value, objectName, text, clock.nowMs + 24 * HOUR_MS)).toBeUndefined();
    expect(await openCopy(keks.value, `${objectName}x`, text, clock.nowMs)).toBeUndefined();
  });

  it.each([
    ['KV throws', { CACHE: { put: async () => Promise.reject(new Error('KV PUT failed: 429')) } }],
    ['there is no KEK', { EDGE_STS_KEK: '' }],
  ])('is owed while %s, which costs nobody his keys, and made good by the alarm', async (_why, broken) => {
    const { object, objectName, key, clock } = await discoveryWorld();
    await withEnv(object, broken);
    expect((await object.keys())?.keys.map(({ kid }) => kid)).toEqual([key.kid]);
    await expect.poll(() => alarmAtMs(object)).toBe(clock.nowMs + 60 * SECOND_MS);
    await runDurableObjectAlarm(object);
    expect(await env.CACHE.get(`keys:${objectName}`)).toBeNull();
    await withEnv(object, { CACHE: env.CACHE, EDGE_STS_KEK: env.EDGE_STS_KEK });
    await runDurableObjectAlarm(object);
    expect(await env.CACHE.get(`keys:${objectName}`)).not.toBeNull();
    expect(await alarmAtMs(object)).toBe((await object.keys())?.nextRefreshMs);
  });
});

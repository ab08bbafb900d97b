/** Issuers of every bad habit before the IssuerKeys object: the last good keys stay, and the operator reads why. */
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { describe, expect, it } from 'vitest';
import { EC_KEY, infineonModulus, RSA_KEY, rsaModulus, spelled } from '../support/admin-samples.ts';
import { createIssuer } from '../support/issuer.ts';
import { type FakeIssuer, settled } from './issuer-keys-support.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

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
  [
    'publishes a modulus with a small factor',
    'divisible by',
    publishing({ ...RSA_KEY, n: spelled((1n << 2_050n) + 8n) }),
  ],
  [
    'publishes a key that others can factor',
    'CVE-2017-15361',
    publishing({ ...RSA_KEY, n: spelled(infineonModulus(17)) }),
  ],
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
    // As a member's name: a value is random text, and may begin so.
    expect(JSON.stringify(found)).not.toMatch(/"x5[ct]":/);
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

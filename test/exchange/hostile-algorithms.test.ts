/** Algorithms and signatures as attackers make them (SECURITY.md §1.3): confusion, `none`, signatures without a key. */
import { beforeAll, describe, expect, it } from 'vitest';
import { addCluster, captureAudit, type Cluster, createProject, exchange } from '../support/broker.ts';
import { base64Url, createIssuer, type Issuer } from '../support/issuer.ts';
import { claimsFor, expectUnverified, headerFor, inputFor, REFUSAL } from './hostile-support.ts';

const audit = captureAudit();
let ec: Cluster;
let rsa: Cluster;
/** Its key set does not say what its keys are for, as Kubernetes' may not: a library that asks the key then asks the token. */
let silent: Cluster;

beforeAll(async () => {
  const project = await createProject();
  ec = await addCluster(project);
  rsa = await addCluster(project, { issuer: await createIssuer('RS256') });
  silent = await addCluster(project, { issuer: withoutAlg(await createIssuer('RS256')) });
});

describe('the algorithm', () => {
  it.each([
    'PEM',
    'PEM without its last line break',
    'DER',
    'the raw modulus or point',
    'JWK',
    'JWKS',
    'thumbprint',
    'kid',
    'nothing',
  ])('HMAC with the public key as %s', async (form) => {
    for (const cluster of [ec, rsa, silent]) {
      const secret = (await publicBytes(cluster))[form] ?? new Uint8Array();
      for (const [alg, hash] of [
        ['HS256', 'SHA-256'],
        ['HS384', 'SHA-384'],
        ['HS512', 'SHA-512'],
      ] as const) {
        await expectUnverified(
          audit,
          await exchange(cluster, undefined, await hmacToken(cluster, alg, hash, secret)),
          'alg_not_allowed',
        );
      }
      // The header says what the key is for; the signature is an HMAC all the same.
      const posing = await hmacToken(cluster, cluster.issuer.alg, 'SHA-256', secret);
      await expectUnverified(audit, await exchange(cluster, undefined, posing), 'signature');
    }
  });

  it.each([
    'none',
    'NONE',
    'nOnE',
    'none ',
    ' none',
    '',
    'es256',
    'ES256 ',
    'ES256\u0000',
    'PS256',
    'ES256K',
    'EdDSA',
    'RS1',
    '__proto__',
    'constructor',
  ])('%j is not on the list', async (alg) => {
    for (const signature of ['', base64Url(new Uint8Array(64)), (await ec.token()).split('.')[2] ?? '']) {
      const answer = await exchange(ec, undefined, `${inputFor(ec, headerFor(ec, { alg }))}.${signature}`);
      await expectUnverified(audit, answer, signature === '' ? 'token_format' : 'alg_not_allowed');
    }
  });

  it.each([[undefined], [null], [7], [['ES256']], [{ toString: 'ES256' }], [true]])(
    '%j is no algorithm',
    async (alg) => {
      await expectUnverified(
        audit,
        await exchange(ec, undefined, await ec.issuer.sign(claimsFor(ec), { alg })),
        'header_alg',
      );
    },
  );

  it('of the other family: an RSA key asked to verify ES256, an EC key RS256', async () => {
    await expectUnverified(
      audit,
      await exchange(rsa, undefined, await rsa.issuer.sign(claimsFor(rsa), { alg: 'ES256' })),
      'key_alg_mismatch',
    );
    await expectUnverified(
      audit,
      await exchange(ec, undefined, await ec.issuer.sign(claimsFor(ec), { alg: 'RS256' })),
      'key_alg_mismatch',
    );
  });
});

describe('a key that does not say its algorithm', () => {
  it('verifies what the provider allows, and never what the token asks for', async () => {
    expect((await exchange(silent)).status).toBe(200);
    const pss = await createIssuer('PS256');
    const cluster = await addCluster(await createProject(), { issuer: withoutAlg(pss) });
    const token = await pss.sign(claimsFor(cluster));
    await expectUnverified(audit, await exchange(cluster, undefined, token), 'alg_not_allowed');
    // The header says RS256, the signature is PSS by the same key.
    const posing = await pss.sign(claimsFor(cluster), { alg: 'RS256' });
    await expectUnverified(audit, await exchange(cluster, undefined, posing), 'signature');
  });
});

describe('an ECDSA signature', () => {
  const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
  const SPECIAL = [0n, 1n, 2n, N - 1n, N, N + 1n, N / 2n, P - 1n, P, (1n << 256n) - 1n];

  it('of special values never verifies (psychic signatures)', async () => {
    const bytes = (value: bigint): Uint8Array =>
      Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * (31 - at))) & 0xffn));
    for (const r of SPECIAL) {
      for (const s of SPECIAL) {
        const signature = base64Url(Uint8Array.from([...bytes(r), ...bytes(s)]));
        expect([r, s, (await exchange(ec, undefined, `${inputFor(ec)}.${signature}`)).text]).toEqual([r, s, REFUSAL]);
      }
    }
  });

  it('in DER, as other libraries write it, is none, though the numbers are right', async () => {
    const token = await ec.token();
    const at = token.lastIndexOf('.');
    const raw = Uint8Array.from(
      atob(
        token
          .slice(at + 1)
          .replaceAll('-', '+')
          .replaceAll('_', '/'),
      ),
      (c) => c.charCodeAt(0),
    );
    expect((await exchange(ec, undefined, token)).status).toBe(200);
    const der = sequence([integer(raw.slice(0, 32)), integer(raw.slice(32))]);
    await expectUnverified(
      audit,
      await exchange(ec, undefined, `${token.slice(0, at)}.${base64Url(der)}`),
      'signature',
    );
  });

  it.each([0, 1, 31, 63, 65, 96, 128, 256])('of %i bytes', async (bytes) => {
    const answer = await exchange(ec, undefined, `${inputFor(ec)}.${base64Url(new Uint8Array(bytes).fill(1))}`);
    await expectUnverified(audit, answer, bytes === 0 ? 'token_format' : 'signature');
  });
});

it.each([0, 1, 255, 256, 257, 512])('an RSA signature of %i bytes', async (bytes) => {
  for (const fill of [0, 1, 255]) {
    const answer = await exchange(rsa, undefined, `${inputFor(rsa)}.${base64Url(new Uint8Array(bytes).fill(fill))}`);
    await expectUnverified(audit, answer, bytes === 0 ? 'token_format' : 'signature');
  }
});

function withoutAlg(issuer: Issuer): Issuer {
  const { alg: _, use: __, ...bare } = issuer.publicJwk;
  return { ...issuer, jwksJson: JSON.stringify({ keys: [bare] }) };
}

async function hmacToken(
  cluster: Cluster,
  alg: string,
  hash: string,
  secret: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const text = inputFor(cluster, headerFor(cluster, { alg }));
  // An empty key is no key to WebCrypto; a zero byte is padded to the same HMAC key.
  const bytes = secret.length === 0 ? new Uint8Array(1) : secret;
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash }, false, ['sign']);
  return `${text}.${base64Url(new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(text))))}`;
}

/** Every byte string that a careless library takes for the secret when it is handed the public key. */
async function publicBytes({ issuer }: Cluster): Promise<Readonly<Record<string, Uint8Array<ArrayBuffer>>>> {
  const algorithm =
    issuer.alg === 'RS256' ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } : { name: 'ECDSA', namedCurve: 'P-256' };
  const { kid: _, alg: __, use: ___, ...jwk } = issuer.publicJwk;
  const key = await crypto.subtle.importKey('jwk', jwk as unknown as JsonWebKey, algorithm, true, ['verify']);
  const der = new Uint8Array((await crypto.subtle.exportKey('spki', key)) as ArrayBuffer);
  const base64 = btoa(String.fromCharCode(...der))
    .replaceAll(/.{64}/g, '$&\n')
    .trimEnd();
  const pem = `-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----\n`;
  const sorted = JSON.stringify(Object.fromEntries(Object.entries(jwk).toSorted(([a], [b]) => (a < b ? -1 : 1))));
  const text = (value: string): Uint8Array<ArrayBuffer> => Uint8Array.from(new TextEncoder().encode(value));
  return {
    PEM: text(pem),
    'PEM without its last line break': text(pem.trimEnd()),
    DER: der,
    'the raw modulus or point': text(String(jwk['n'] ?? jwk['x'])),
    JWK: text(JSON.stringify(issuer.publicJwk)),
    JWKS: text(issuer.jwksJson),
    thumbprint: new Uint8Array(await crypto.subtle.digest('SHA-256', text(sorted))),
    kid: text(issuer.kid),
    nothing: new Uint8Array(),
  };
}

/** DER, as much of it as an ECDSA signature needs. */
function integer(bytes: Uint8Array): Uint8Array {
  const significant = bytes.slice(bytes.findIndex((byte) => byte !== 0));
  const positive = (significant[0] ?? 0) >= 0x80 ? [0, ...significant] : [...significant];
  return Uint8Array.from([0x02, positive.length, ...positive]);
}
function sequence(parts: readonly Uint8Array[]): Uint8Array {
  const content = parts.flatMap((part) => [...part]);
  return Uint8Array.from([0x30, content.length, ...content]);
}

/** Tokens as attackers make them (SECURITY.md §1.3, LESSONS.md §6), where no other test makes them already. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  addRole,
  addTarget,
  type Answer,
  captureAudit,
  claimsOf,
  type Cluster,
  createProject,
  exchange,
  type Fetch,
  member,
  must,
  ORIGIN,
  postToken,
  setPolicy,
  type TestProject,
  tokenForm,
} from '../support/broker.ts';
import { countingObjects } from '../support/faulty-bindings.ts';
import { base64Url, createIssuer, type Issuer, workloadClaims } from '../support/issuer.ts';

const audit = captureAudit();
let project: TestProject;
let ec: Cluster;
let rsa: Cluster;

beforeAll(async () => {
  project = await createProject();
  ec = await addCluster(project);
  rsa = await addCluster(project, { issuer: await createIssuer('RS256') });
});

const claims = (cluster: Cluster, more: object = {}): Record<string, unknown> => ({
  ...workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` }),
  ...more,
});
const header = (cluster: Cluster, more: object = {}): object => ({
  alg: cluster.issuer.alg,
  kid: cluster.issuer.kid,
  ...more,
});
const input = (cluster: Cluster, head: object = header(cluster)): string =>
  `${base64Url(JSON.stringify(head))}.${base64Url(JSON.stringify(claims(cluster)))}`;

/** All refusals of a token read the same: whoever probes learns nothing from them. */
const REFUSAL = '{"error":"invalid_grant","error_description":"The subject token could not be verified."}';

async function expectUnverified(answer: Answer, check: string): Promise<void> {
  expect({ status: answer.status, text: answer.text }).toEqual({ status: 400, text: REFUSAL });
  expect(await audit.lineFor(answer)).toMatchObject({ outcome: 'refused', reason: 'unverified', check });
}

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
    for (const cluster of [ec, rsa]) {
      const secret = (await publicBytes(cluster))[form] ?? new Uint8Array();
      for (const [alg, hash] of [
        ['HS256', 'SHA-256'],
        ['HS384', 'SHA-384'],
        ['HS512', 'SHA-512'],
      ] as const) {
        await expectUnverified(
          await exchange(cluster, undefined, await hmacToken(cluster, alg, hash, secret)),
          'alg_not_allowed',
        );
      }
      // The header says what the key is for; the signature is an HMAC all the same.
      const posing = await hmacToken(cluster, cluster.issuer.alg, 'SHA-256', secret);
      await expectUnverified(await exchange(cluster, undefined, posing), 'signature');
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
      const answer = await exchange(ec, undefined, `${input(ec, header(ec, { alg }))}.${signature}`);
      await expectUnverified(answer, signature === '' ? 'token_format' : 'alg_not_allowed');
    }
  });

  it.each([[null], [7], [['ES256']], [{ toString: 'ES256' }], [true]])('%j is no algorithm', async (alg) => {
    await expectUnverified(await exchange(ec, undefined, await ec.issuer.sign(claims(ec), { alg })), 'header_alg');
  });

  it('of the other family: an RSA key asked to verify ES256, an EC key RS256', async () => {
    await expectUnverified(
      await exchange(rsa, undefined, await rsa.issuer.sign(claims(rsa), { alg: 'ES256' })),
      'key_alg_mismatch',
    );
    await expectUnverified(
      await exchange(ec, undefined, await ec.issuer.sign(claims(ec), { alg: 'RS256' })),
      'key_alg_mismatch',
    );
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
        expect([r, s, (await exchange(ec, undefined, `${input(ec)}.${signature}`)).text]).toEqual([r, s, REFUSAL]);
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
    await expectUnverified(await exchange(ec, undefined, `${token.slice(0, at)}.${base64Url(der)}`), 'signature');
  });

  it.each([0, 1, 31, 63, 65, 96, 128, 256])('of %i bytes', async (bytes) => {
    const answer = await exchange(ec, undefined, `${input(ec)}.${base64Url(new Uint8Array(bytes).fill(1))}`);
    await expectUnverified(answer, bytes === 0 ? 'token_format' : 'signature');
  });
});

it.each([0, 1, 255, 256, 257, 512])('an RSA signature of %i bytes', async (bytes) => {
  for (const fill of [0, 1, 255]) {
    const answer = await exchange(rsa, undefined, `${input(rsa)}.${base64Url(new Uint8Array(bytes).fill(fill))}`);
    await expectUnverified(answer, bytes === 0 ? 'token_format' : 'signature');
  }
});

describe('other things than a compact JWS', () => {
  it('JWE, JSON serialisations, a token in a token, tokens in a row', async () => {
    const token = await ec.token();
    const [head = '', body = '', signature = ''] = token.split('.');
    const jweHeader = base64Url(JSON.stringify({ alg: 'RSA-OAEP', enc: 'A256GCM', kid: ec.issuer.kid }));
    for (const other of [
      `${jweHeader}.${head}.${body}.${signature}.${signature}`,
      `${jweHeader}..${head}.${body}.${signature}`,
      JSON.stringify({ protected: head, payload: body, signature }),
      JSON.stringify({ payload: body, signatures: [{ protected: head, signature }] }),
      `${head}..${signature}`,
      `${head}.${body}`,
      `Bearer ${token}`,
      `"${token}"`,
      `${token},${token}`,
      `${token}.${token}`,
      `${token}\u0000`,
      token.replaceAll('.', '。'),
      token.replaceAll('.', '%2E'),
    ]) {
      expect([other, (await exchange(ec, undefined, other)).text]).toEqual([other, REFUSAL]);
    }
    const nested = JSON.stringify(token);
    const good = JSON.stringify(header(ec));
    await expectUnverified(await exchange(ec, undefined, await ec.issuer.signText(good, nested)), 'payload_json');
    await expectUnverified(await exchange(ec, undefined, await ec.issuer.signText(good, token)), 'payload_json');
    const saidSo = JSON.stringify(header(ec, { cty: 'JWT' }));
    await expectUnverified(await exchange(ec, undefined, await ec.issuer.signText(saidSo, token)), 'header_member');
  });
});

describe('size', () => {
  /** A token of exactly so many bytes, otherwise right. Base64url has no text of 4n + 1 characters, so the header grows as well. */
  const ofBytes = async (bytes: number): Promise<string> => {
    for (const x5t of ['', 'x', 'xx', 'xxx']) {
      const sign = (padding: number): Promise<string> =>
        ec.issuer.sign(claims(ec, { padding: 'x'.repeat(padding) }), { x5t });
      const about = Math.floor(((bytes - (await sign(0)).length) * 3) / 4);
      for (let padding = about - 3; padding < about + 4; padding++) {
        const token = await sign(padding);
        if (token.length === bytes) return token;
      }
    }
    throw new Error(`no token has ${bytes} bytes`);
  };

  it('of 8 KiB and of 16 KiB exactly is taken; a byte more is refused before it is read', async () => {
    expect((await exchange(ec, undefined, await ofBytes(8_192))).status).toBe(200);
    expect((await exchange(ec, undefined, await ofBytes(16_384))).status).toBe(200);
    const answer = await exchange(ec, undefined, await ofBytes(16_385));
    expect({ status: answer.status, error: answer.body['error'] }).toEqual({ status: 400, error: 'invalid_request' });
  });

  it('dots without end', async () => {
    expect((await exchange(ec, undefined, '.'.repeat(16_384))).text).toBe(REFUSAL);
    expect((await exchange(ec, undefined, '.'.repeat(60_000))).body['error']).toBe('invalid_request');
    expect((await exchange(ec, undefined, '.'.repeat(1_048_576))).status).toBe(413);
  });

  it('500 parameters and 300 headers that mean nothing change nothing; one that counts, 500 times, is refused', async () => {
    const form = tokenForm(ec.audience, await ec.token());
    for (let at = 0; at < 500; at++) form.append(`p${at}`, 'x');
    const headers = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`x-header-${at}`, `value ${at}`]));
    expect((await postToken(form, headers)).status).toBe(200);
    for (let at = 0; at < 499; at++) form.append('audience', ec.audience);
    expect((await postToken(form)).body['error']).toBe('invalid_request');
  });
});

describe('members that objects have by themselves', () => {
  it('are claims like any other: nobody inherits what he does not have', async () => {
    const { sub, iss, aud, exp, iat, 'kubernetes.io': kubernetes, ...rest } = claims(ec);
    const inherited = JSON.stringify({ sub, iss, aud, exp, iat, 'kubernetes.io': kubernetes });
    const good = JSON.stringify(header(ec));
    for (const payload of [
      `{"__proto__":${inherited}}`,
      `{"__proto__":${inherited},"jti":${JSON.stringify(rest['jti'])}}`,
      `{"constructor":{"prototype":${inherited}}}`,
    ]) {
      await expectUnverified(await exchange(ec, undefined, await ec.issuer.signText(good, payload)), 'issuer');
    }
    const extra =
      '"__proto__":{"sub":"system:serviceaccount:kube-system:admin","iss":"x"},"toString":1,"constructor":{}';
    const whole = `${JSON.stringify(claims(ec)).slice(0, -1)},${extra}}`;
    const answer = await exchange(ec, undefined, await ec.issuer.signText(good, whole));
    expect(answer.status, answer.text).toBe(200);
    expect(claimsOf(answer)['sub']).toBe('ns/shop/sa/checkout');
    expect(({} as Record<string, unknown>)['sub']).toBeUndefined();
  });

  it('in the header, and in kubernetes.io', async () => {
    const polluted = `{"__proto__":${JSON.stringify(header(ec))}}`;
    const answer = await exchange(ec, undefined, await ec.issuer.signText(polluted, JSON.stringify(claims(ec))));
    await expectUnverified(answer, 'header_member');
    const own = '{"__proto__":{"namespace":"shop","serviceaccount":{"name":"checkout","uid":"u"}}}';
    const payload = JSON.stringify(claims(ec, { 'kubernetes.io': 0 })).replace(
      '"kubernetes.io":0',
      `"kubernetes.io":${own}`,
    );
    const nested = await ec.issuer.signText(JSON.stringify(header(ec)), payload);
    await expectUnverified(await exchange(ec, undefined, nested), 'kubernetes_claims');
  });
});

describe('the key id', () => {
  it.each(['__proto__', 'constructor', 'toString', '0', '../keys', "' OR 1=1 --", '\u0000', 'ｋid', '*', 'kid\u202e'])(
    '%j is nobody’s',
    async (kid) => {
      await expectUnverified(await exchange(ec, undefined, await ec.issuer.sign(claims(ec), { kid })), 'unknown_kid');
    },
  );

  it.each([[7], [null], [{}], [['k']], [true], [''], ['k'.repeat(257)], [undefined]])('%j is none', async (kid) => {
    await expectUnverified(await exchange(ec, undefined, await ec.issuer.sign(claims(ec), { kid })), 'header_kid');
  });

  it('of 100 kB does not even get that far', async () => {
    const answer = await exchange(ec, undefined, await ec.issuer.sign(claims(ec), { kid: 'k'.repeat(100_000) }));
    expect(answer.status).toBe(413);
  });

  it('of another provider, with its key, in the same pool and in another project: each set is its provider’s own', async () => {
    const other = await addCluster(project);
    await expectUnverified(await exchange(ec, undefined, await other.issuer.sign(claims(ec))), 'unknown_kid');
    const stranger = await addCluster(await createProject());
    await expectUnverified(await exchange(ec, undefined, await stranger.issuer.sign(claims(ec))), 'unknown_kid');
    await expectUnverified(await exchange(stranger, undefined, await ec.token()), 'unknown_kid');
  });
});

describe('the issuer', () => {
  it.each([
    (uri: string) => uri.toUpperCase(),
    (uri: string) => `${uri}%2f`,
    (uri: string) => `${uri}#`,
    (uri: string) => `${uri}?`,
    (uri: string) => ` ${uri}`,
    (uri: string) => `${uri}\u0000`,
    (uri: string) => uri.replace('.', '．'),
    (uri: string) => uri.replace('https', 'http'),
    (uri: string) => uri.replace('kubernetes', 'kubern\u0435tes'),
    (uri: string) => ({ toString: uri }),
    () => null,
    () => undefined,
    () => '',
  ])('respelled: %s', async (respell) => {
    const token = await ec.issuer.sign(claims(ec, { iss: respell(ec.issuerUri) }));
    await expectUnverified(await exchange(ec, undefined, token), 'issuer');
  });

  it('in our own name, with a token that we made: nobody registered us', async () => {
    const target = await addTarget(project, { tokenType: 'JWT' });
    const role = await addRole(project);
    await setPolicy(target.path, [{ role, members: [member(project, ec.pool, '*', 'principalSet')] }]);
    const own = await exchange(ec, target.uri);
    expect(own.status, own.text).toBe(200);
    await expectUnverified(await exchange(ec, undefined, String(own.body['access_token'])), 'unknown_kid');
  });
});

describe('the audience', () => {
  it.each([
    () => ({ 0: `https:${ec.audience}`, length: 1 }),
    () => [[`https:${ec.audience}`]],
    () => [`https:${ec.audience}`, `https:${ec.audience}`],
    () => [`https:${ec.audience}`, null],
    () => `https:${ec.audience} https://other.example`,
    () => `https:${ec.audience}\u0000`,
    () => `https:${ec.audience}:pushKeys`,
    () => `https:${ec.audience}`.replace(project.number, project.id),
    () => `https:${ec.audience}`.replace(project.number, '100000000001'),
    () => `https:${rsa.audience}`,
    () => ORIGIN,
    () => 0,
  ])('%s is not this provider', async (aud) => {
    const answer = await exchange(ec, undefined, await ec.issuer.sign(claims(ec, { aud: aud() })));
    expect(answer.status).toBe(400);
    expect(await audit.lineFor(answer)).toMatchObject({ reason: 'unverified', check: 'audience' });
  });
});

describe('names that look alike', () => {
  it.each([
    'sh\u043ep',
    'shop\u0301',
    'shop\u200b',
    'sho\u0440',
    'shop\u0000',
    'shop\u202e',
    'SHOP',
    ' shop',
    'shop\n',
    'ｓhop',
  ])('a namespace of %j is no namespace', async (namespace) => {
    const kubernetes = { namespace, serviceaccount: { name: 'checkout', uid: 'u' } };
    const sub = `system:serviceaccount:${namespace}:checkout`;
    const answer = await exchange(
      ec,
      undefined,
      await ec.issuer.sign(claims(ec, { 'kubernetes.io': kubernetes, sub })),
    );
    await expectUnverified(answer, 'kubernetes_claims');
  });

  it('composed and decomposed are two subjects, and so are letters of two alphabets; only the one that is bound gets in', async () => {
    const ci = await addOidc({ 'google.subject': 'assertion.sub' });
    const [target, role] = [await addTarget(project), await addRole(project)];
    await setPolicy(target.path, [{ role, members: [member(project, ci.pool, 'subject/caf\u00e9')] }]);
    expect((await ci.exchange({ sub: 'caf\u00e9' }, target.uri)).status).toBe(200);
    for (const sub of ['cafe\u0301', 'c\u0430f\u00e9', 'CAF\u00c9', 'caf\u00e9 ', 'caf\u00e9\u200b', 'caf%C3%A9']) {
      expect([sub, (await ci.exchange({ sub }, target.uri)).body['error']]).toEqual([sub, 'invalid_target']);
    }
  });

  it('control characters make no subject, and what turns the reading direction reaches no terminal', async () => {
    const ci = await addOidc({ 'google.subject': 'assertion.sub' });
    for (const sub of ['a\u0000b', 'a\nb', 'a\u0085b', 'a\u001b[2Jb']) {
      expect([sub, (await ci.exchange({ sub })).body['error']]).toEqual([sub, 'unauthorized_client']);
    }
    const answer = await ci.exchange({ sub: 'admin\u202egpj.exe\u2066' });
    const id = answer.headers.get('x-request-id') ?? '';
    expect(await audit.lineFor(answer)).toHaveProperty('outcome');
    const line = audit.all().find((one) => one.includes(id)) ?? '';
    expect(line).toMatch(/^[\u0020-\u007e]+$/);
  });
});

describe('tokens of other makers, on an oidc provider', () => {
  it('as GitHub Actions signs them', async () => {
    const github = await addOidc(
      { 'google.subject': 'assertion.sub', 'attribute.repository': 'assertion.repository' },
      "assertion.repository_owner_id == '65'",
    );
    const answer = await github.exchange(
      {
        sub: 'repo:octo-org/octo-repo:environment:prod',
        environment: 'prod',
        ref: 'refs/heads/main',
        sha: 'example-sha',
        repository: 'octo-org/octo-repo',
        repository_owner: 'octo-org',
        repository_owner_id: '65',
        actor_id: '12',
        run_id: '1234567890',
        run_attempt: '2',
        runner_environment: 'github-hosted',
        job_workflow_ref: 'octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main',
      },
      undefined,
      { typ: 'JWT', x5t: 'eBZ_cn3sXYAd0ch4THBKHIgOwOE' },
    );
    expect(answer.status, answer.text).toBe(200);
    expect(claimsOf(answer)['sub']).toBe('repo:octo-org/octo-repo:environment:prod');
  });

  it('as Entra signs them, with its thumbprints', async () => {
    const entra = await addOidc(
      { 'google.subject': 'assertion.oid' },
      "assertion.tid == '72f988bf-0000-0000-0000-2d7cd011db47'",
    );
    const answer = await entra.exchange(
      {
        tid: '72f988bf-0000-0000-0000-2d7cd011db47',
        oid: '5d8c1a2e-1111-2222-3333-444455556666',
        ver: '2.0',
        aio: 'E2',
        rh: '0.',
        uti: 'x',
      },
      undefined,
      { typ: 'JWT', x5t: 'nOo3ZDrODXEK1jKWhXslHR_KXEg', 'x5t#S256': 'qU6qKTlEMZNyYeLMQyQkEDQCKdpQUP1eDyuZ3bnA5fQ' },
    );
    expect(answer.status, answer.text).toBe(200);
    expect(claimsOf(answer)['sub']).toBe('5d8c1a2e-1111-2222-3333-444455556666');
  });

  it('a claim of another type than the condition expects lets nobody in', async () => {
    const ci = await addOidc({ 'google.subject': 'assertion.sub' }, 'assertion.email_verified == true');
    expect((await ci.exchange({ email_verified: true })).status).toBe(200);
    for (const value of ['true', 'false', 1, null, [true], { true: true }, undefined]) {
      const answer = await ci.exchange({ email_verified: value });
      expect([value, answer.body['error']]).toEqual([value, 'unauthorized_client']);
    }
  });
});

describe('what a token says', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('causes no request to anybody, whatever its header and its issuer name', async () => {
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (url: unknown) => {
      asked.push(String(url));
      return new Response('{}');
    });
    const objects = countingObjects(env.ISSUER_KEYS);
    const bound: Env = { ...env, ISSUER_KEYS: objects.namespace };
    const broker = createBroker(bound);
    const edge: Fetch = async (request) => broker.fetch(request, bound);
    const evil = 'https://evil.example';
    const tokens = [
      ...[
        { jku: `${evil}/jwks` },
        { x5u: `${evil}/cert.pem` },
        { jwk: ec.issuer.publicJwk },
        { x5c: ['MIIB'] },
        { kid: `${evil}/key` },
        { kid: `//${evil}` },
        { x5t: `${evil}/t` },
        { typ: `${evil}/t` },
        { crit: ['jku'], jku: evil },
        { iss: evil },
      ].map((more) => ec.issuer.sign(claims(ec), more)),
      ...[
        { iss: evil },
        { iss: `${ec.issuerUri}.evil.example` },
        { aud: evil },
        { jwks_uri: evil },
        { _claim_sources: { src: { endpoint: evil } } },
      ].map((more) => ec.issuer.sign(claims(ec, more))),
    ];
    const statuses = [];
    for (const token of await Promise.all(tokens)) {
      statuses.push((await postToken(tokenForm(ec.audience, token), {}, edge)).status);
      statuses.push((await postToken(tokenForm(undefined, token), {}, edge)).status);
    }
    expect(new Set(statuses)).toEqual(new Set([200, 400]));
    expect(asked).toEqual([]);
    expect(objects.names()).toEqual([]);
    // The counter counts.
    await fetch('https://control.example');
    expect(asked).toEqual(['https://control.example']);
  });
});

interface Oidc {
  readonly pool: string;
  exchange(more: object, resource?: string, head?: Readonly<Record<string, unknown>>): Promise<Answer>;
}

async function addOidc(attributeMapping: Readonly<Record<string, string>>, attributeCondition = ''): Promise<Oidc> {
  const issuer: Issuer = await createIssuer('RS256');
  const id = crypto.randomUUID().slice(0, 8);
  const [pool, providerId, issuerUri] = [`pool-${id}`, `ci-${id}`, `https://ci-${id}.example.com`];
  const pools = `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
  await must('POST', `${pools}?workloadIdentityPoolId=${pool}`, {});
  await must('POST', `${pools}/${pool}/providers?workloadIdentityPoolProviderId=${providerId}`, {
    oidc: { issuerUri, jwksJson: issuer.jwksJson },
    attributeMapping,
    ...(attributeCondition === '' ? {} : { attributeCondition }),
  });
  const audience = `//iam.googleapis.com/projects/${project.number}/locations/global/workloadIdentityPools/${pool}/providers/${providerId}`;
  return {
    pool,
    exchange: async (more, resource, head = {}) => {
      const now = Math.floor(Date.now() / 1_000);
      const own = { iss: issuerUri, aud: audience, iat: now, nbf: now, exp: now + 300, sub: 'x', ...more };
      return postToken(tokenForm(audience, await issuer.sign(own, head), { resource }));
    },
  };
}

async function hmacToken(
  cluster: Cluster,
  alg: string,
  hash: string,
  secret: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const text = input(cluster, header(cluster, { alg }));
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

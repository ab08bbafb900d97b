/** The line of a push: whoever is refused hears one text, the operator reads why; of tokens and key sets nothing is in it but digests and names. */
import { env } from 'cloudflare:workers';
import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../src/app.ts';
import { createPushAuditLog } from '../../src/platform/audit/log.ts';
import { projectRegistryName } from '../../src/platform/object-names.ts';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  addTarget,
  admin,
  type Answer,
  type AuditLine,
  call,
  captureAudit,
  type Cluster,
  createProject,
  exchange,
  type Fetch,
  must,
  type TestProject,
  isAlert,
} from '../support/broker.ts';
import { away } from '../support/faulty-bindings.ts';
import { createIssuer, type Issuer, workloadClaims } from '../support/issuer.ts';
import { AGENT, agentOf, allowPushes, poolOf, push, pushToken } from '../support/pushes.ts';
import { unreachable } from '../support/unreachable.ts';

const audit = captureAudit();
let project: TestProject;
let cluster: Cluster;

beforeEach(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  await allowPushes(cluster, agentOf(project, cluster));
});

async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The one line of that answer; exactly one, and of a push. */
async function lineOf(answer: Answer): Promise<AuditLine> {
  const line = await audit.lineFor(answer);
  const requestId = answer.headers.get('x-request-id') ?? 'none';
  expect(audit.all().filter((one) => one.includes(requestId) && !isAlert(one))).toHaveLength(1);
  expect(line).toMatchObject({ event: 'pushKeys', requestId, durationsMs: expect.any(Object) as object });
  expect(new Date(String(line['time'])).toISOString()).toBe(line['time']);
  return line;
}

/** What the line says of a refusal by name; `check` may not be there. */
async function expectRefused(answer: Answer, status: number, reason: string, check?: string): Promise<AuditLine> {
  const line = await lineOf(answer);
  const { outcome, provider } = line;
  expect({ status: answer.status, outcome, reason: line['reason'], check: line['check'], provider }).toEqual({
    status,
    outcome: 'refused',
    reason,
    check,
    provider: cluster.name,
  });
  expect(line).not.toHaveProperty('kids');
  return line;
}

const patch = (mask: string, body: object): Promise<unknown> =>
  must('PATCH', `/v1/${cluster.name}?updateMask=${mask}`, body);
const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toISOString();

describe('a push that is granted', () => {
  it('says who, by the digest of which token, and the names of the keys', async () => {
    const next = await createIssuer();
    const token = await pushToken(cluster);
    const answer = await push(cluster, [cluster.issuer, next], token);
    const { kids, thumbprints } = answer.body['keys'] as Record<string, unknown>;
    expect(answer.status).toBe(200);
    expect(await lineOf(answer)).toEqual({
      event: 'pushKeys',
      time: expect.any(String) as string,
      requestId: answer.headers.get('x-request-id'),
      outcome: 'granted',
      reason: 'granted',
      project: project.number,
      pool: cluster.pool,
      provider: cluster.name,
      principal: agentOf(project, cluster),
      subjectTokenSha256: await digestOf(token),
      kids: [cluster.issuer.kid, next.kid],
      thumbprints,
      durationsMs: { total: expect.any(Number) as number },
    });
    expect(kids).toEqual([cluster.issuer.kid, next.kid]);
  });
});

describe('a token that does not hold: 401, one text, and the line says which rule', () => {
  it.each([
    ['audience', () => pushToken(cluster, { audience: `https:${cluster.audience}` })],
    ['expired', () => pushToken(cluster, { issuedAtSeconds: Math.floor(Date.now() / 1_000) - 3_600 })],
    ['issuer', () => pushToken(cluster, { issuerUri: 'https://elsewhere.example.com' })],
    ['unknown_kid', async () => pushToken(cluster, {}, await createIssuer())],
    ['signature', async () => pushToken(cluster, {}, await createIssuer('ES256', cluster.issuer.kid))],
    ['token_id', () => cluster.issuer.sign(withoutId())],
    ['header_member', () => cluster.issuer.sign(withoutId(), { jku: 'https://evil.example' })],
  ])('%s', async (check, made) => {
    const token = await made();
    const line = await expectRefused(await push(cluster, [cluster.issuer], token), 401, 'unverified', check);
    expect(line['subjectTokenSha256']).toBe(await digestOf(token));
    expect(line).not.toHaveProperty('principal');
  });

  function withoutId(): object {
    const audience = `https:${cluster.audience}:pushKeys`;
    const { jti: _jti, ...claims } = workloadClaims({ issuerUri: cluster.issuerUri, audience, ...AGENT });
    return claims;
  }

  it('replay, said by the Registry', async () => {
    const token = await pushToken(cluster);
    expect((await push(cluster, [cluster.issuer], token)).status).toBe(200);
    const line = await expectRefused(await push(cluster, [cluster.issuer], token), 401, 'unverified', 'replay');
    expect(line['principal']).toBe(agentOf(project, cluster));
  });

  it('key_on_hold and distrusted_key', async () => {
    await patch('newKeyHold', { newKeyHold: '3600s' });
    const next = await createIssuer();
    const keys = (await push(cluster, [cluster.issuer, next])).body['keys'] as { thumbprints: string[] };
    const early = await push(cluster, [cluster.issuer, next], await pushToken(cluster, {}, next));
    await expectRefused(early, 401, 'unverified', 'key_on_hold');
    await must('POST', `/v1/${cluster.name}:distrustKey`, { thumbprint: keys.thumbprints[0] });
    await expectRefused(await push(cluster, [cluster.issuer]), 401, 'unverified', 'distrusted_key');
  });

  it('disabled, and unknown', async () => {
    const token = await pushToken(cluster);
    await patch('disabled', { disabled: true });
    await expectRefused(await push(cluster, [cluster.issuer], token), 401, 'disabled', 'provider disabled');
    await must('PATCH', `/v1/${poolOf(cluster)}?updateMask=disabled`, { disabled: true });
    await expectRefused(await push(cluster, [cluster.issuer], token), 401, 'disabled', 'pool disabled');
    cluster = { ...cluster, name: `${poolOf(cluster)}/providers/nothing-here` };
    await expectRefused(await push(cluster, [cluster.issuer], token), 401, 'unknown_provider', 'unknown: provider');
  });

  it('the credential of an administrator leaves not even its digest', async () => {
    const secret = env.EDGE_STS_ADMIN_TOKEN ?? '';
    const line = await expectRefused(await push(cluster, [cluster.issuer], secret), 401, 'unverified', 'token_format');
    expect(line).not.toHaveProperty('subjectTokenSha256');
  });

  it('an address that keeps failing is told to slow down, and the line says so', async () => {
    const headers = {
      'cf-connecting-ip': '192.0.2.77',
      authorization: 'Bearer a.b.c',
      'content-type': 'application/json',
    };
    const init = { method: 'POST', headers, body: '{"jwksJson":"{}"}' };
    let answer = await call(`/v1/${cluster.name}:pushKeys`, init);
    for (let round = 0; round < 700 && answer.status === 401; round++)
      answer = await call(`/v1/${cluster.name}:pushKeys`, init);
    await expectRefused(answer, 429, 'too_many_failures');
  });
});

describe('a principal that may not: 403, one text, and the line says why', () => {
  it('denied_uid', async () => {
    await must('POST', `/v1/${poolOf(cluster)}:denyUids`, { uids: [AGENT.uid], until: inSeconds(600) });
    await expectRefused(await push(cluster, [cluster.issuer]), 403, 'denied_uid', AGENT.uid);
  });

  it('condition_false and condition_error', async () => {
    await patch('attributeCondition', { attributeCondition: 'assertion.sub == "nobody"' });
    await expectRefused(await push(cluster, [cluster.issuer]), 403, 'condition_false');
    await patch('attributeCondition', { attributeCondition: 'int(assertion.sub) > 0' });
    const answer = await push(cluster, [cluster.issuer]);
    expect(answer.status).toBe(403);
    expect(await lineOf(answer)).toMatchObject({ outcome: 'refused', reason: 'condition_error' });
  });

  it('subject_too_long', async () => {
    const token = await pushToken(cluster, { serviceAccount: 'a'.repeat(126) });
    const answer = await push(cluster, [cluster.issuer], token);
    expect(answer.status).toBe(403);
    expect(await lineOf(answer)).toMatchObject({ outcome: 'refused', reason: 'subject_too_long' });
  });

  it('not_granted', async () => {
    const token = await pushToken(cluster, { serviceAccount: 'checkout', uid: 'other-uid' });
    const check = 'no binding gives exactly this principal iam.workloadIdentityPoolProviders.pushKeys';
    const line = await expectRefused(await push(cluster, [cluster.issuer], token), 403, 'not_granted', check);
    expect(line['principal']).toBe(agentOf(project, cluster).replace('key-agent', 'checkout'));
  });

  it('denied_by_policy: the caller hears what one hears who was never granted it', async () => {
    const unbound = await push(cluster, [cluster.issuer], await pushToken(cluster, { serviceAccount: 'checkout' }));
    const parent = `policies/cloudresourcemanager.googleapis.com%2Fprojects%2F${project.number}/denypolicies`;
    const permission = 'iam.workloadIdentityPoolProviders.pushKeys';
    const denyRule = {
      deniedPrincipals: [agentOf(project, cluster)],
      deniedPermissions: [permission.replace('iam.', 'iam.googleapis.com/')],
    };
    await must('POST', `/v2/${parent}?policyId=no-pushes`, { rules: [{ denyRule }] });
    const answer = await push(cluster, [cluster.issuer]);
    await expectRefused(answer, 403, 'denied_by_policy', `a deny rule of the project on ${permission}`);
    expect(answer.text).toBe(unbound.text);
  });
});

describe('a set that is not taken', () => {
  const bare = (jwk: Issuer['publicJwk']): Pick<Issuer, 'publicJwk'> => ({ publicJwk: jwk });

  it('no key of it is trusted now', async () => {
    const check = 'jwksJson: must keep at least one key that is trusted now, or an administrator uploads it by PATCH';
    await expectRefused(await push(cluster, [await createIssuer()]), 400, 'invalid_argument', check);
  });

  it('holds a distrusted key', async () => {
    const next = await createIssuer('ES256', 'next');
    const keys = (await push(cluster, [cluster.issuer, next])).body['keys'] as { thumbprints: string[] };
    await must('POST', `/v1/${cluster.name}:distrustKey`, { thumbprint: keys.thumbprints[1] });
    const check = 'jwksJson: holds the key "next", which is distrusted';
    await expectRefused(await push(cluster, [cluster.issuer, next]), 400, 'invalid_argument', check);
  });

  it('holds a private key, two keys of one name, or nothing known: no value of the set is in the line', async () => {
    const secret = 'c2VjcmV0LW9mLWEtcHJpdmF0ZS1rZXk';
    const pair = bare({ ...cluster.issuer.publicJwk, d: secret });
    const why = 'jwksJson: keys[0] has the secret member "d": upload public keys only, and replace this key';
    await expectRefused(await push(cluster, [pair]), 400, 'invalid_argument', why);
    const twice = `jwksJson: holds the "kid" "${cluster.issuer.kid}" twice`;
    await expectRefused(await push(cluster, [cluster.issuer, cluster.issuer]), 400, 'invalid_argument', twice);
    const strange = await push(cluster, [
      bare({ kid: 'x', kty: secret, n: secret }),
      bare({ kid: 'y', kty: 'RSA', alg: secret }),
    ]);
    const none = 'jwksJson: holds no key that can verify a token';
    await expectRefused(strange, 400, 'invalid_argument', none);
    expect(audit.all().filter((line) => line.includes(secret))).toEqual([]);
  });

  it('stands where keys come by discovery', async () => {
    // The row alone: which keys the issuer has is not this test's subject.
    await changeRow(`'$.keySource', 'discovery'`);
    const check = 'The keys of this provider come from its issuer by discovery: nobody can push others.';
    await expectRefused(await push(cluster, [cluster.issuer]), 400, 'failed_precondition', check);
  });
});

/** The provider's row in the Registry, as if it had come about; the edge hears of it with the next change. */
async function changeRow(change: string): Promise<void> {
  const registry = env.REGISTRY.getByName(projectRegistryName(project.number));
  await runInDurableObject(registry, (_, state) => {
    const sql = `UPDATE resources SET body = json_set(body, ${change}) WHERE kind = 'provider' AND id = ?`;
    state.storage.sql.exec(sql, cluster.providerId);
  });
}

describe('what is away', () => {
  it('issuer_keys: pushed ones that are too old', async () => {
    expect((await push(cluster, [cluster.issuer])).status).toBe(200);
    await changeRow(`'$.keysExpireAtSeconds', 1`);
    await patch('description', { description: 'aged' });
    await expectRefused(await push(cluster, [cluster.issuer]), 503, 'unavailable', 'issuer_keys');
  });

  it('registry, once the token was found to hold', async () => {
    expect((await push(cluster, [cluster.issuer])).status).toBe(200);
    await expect
      .poll(async () => (await lineOf(await push(cluster, [cluster.issuer], undefined, isolate(true))))['check'])
      .toBe('registry');
  });

  it('token_review', async () => {
    const target = await addTarget(project, { uri: 'https://api.cluster.example.com', tokenType: 'JWT' });
    await patch('tokenReview', { tokenReview: { url: target.uri, target: target.id } });
    const sent = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response(null, { status: 502 }));
    const answer = await push(cluster, [cluster.issuer], undefined, isolate());
    await expectRefused(answer, 503, 'unavailable', 'token_review');
    expect(sent).toHaveBeenCalled();
    sent.mockRestore();
  });

  function isolate(withoutRegistry = false): Fetch {
    const bound = withoutRegistry ? { ...env, REGISTRY: away(env.REGISTRY) } : env;
    const broker = createBroker(bound);
    return async (request) => broker.fetch(request, bound);
  }
});

describe('what is refused before it is a push', () => {
  const send = (init: RequestInit, path = `${cluster.name}:pushKeys`): Promise<Answer> => call(`/v1/${path}`, init);
  const json = { 'content-type': 'application/json' };
  const body = '{"jwksJson":"{}"}';

  it('by method and credential', async () => {
    await expectRefused(await send({ method: 'GET' }), 405, 'method_not_allowed');
    await expectRefused(await send({ method: 'POST', headers: json, body }), 401, 'unauthenticated');
    const headers = { ...json, authorization: 'Basic dXNlcjpwYXNzd29yZA==' };
    await expectRefused(
      await send({ method: 'POST', headers, body }),
      401,
      'malformed',
      'authorization: is no Bearer token',
    );
  });

  it('by size, type, form and members, of which none is repeated', async () => {
    const bearer = { authorization: 'Bearer a.b.c' };
    const odd = 'x-stranger-says';
    for (const [more, text, status, reason, check] of [
      [json, `{"jwksJson":"${'x'.repeat(300_000)}"}`, 413, 'body_too_large', undefined],
      [{ 'content-type': 'text/plain' }, body, 415, 'unsupported_media_type', undefined],
      [json, `{"${odd}":`, 400, 'malformed', 'body: not valid JSON'],
      [json, `{"${odd}":1}`, 400, 'malformed', 'body: must hold jwksJson, as a string, and nothing else'],
      [json, `{"jwksJson":{"${odd}":1}}`, 400, 'malformed', 'body: must hold jwksJson, as a string, and nothing else'],
    ] as const) {
      const answer = await send({ method: 'POST', headers: { ...bearer, ...more }, body: text });
      await expectRefused(answer, status, reason, check);
    }
    const query = await send(
      { method: 'POST', headers: { ...bearer, ...json }, body },
      `${cluster.name}:pushKeys?${odd}=1`,
    );
    await expectRefused(query, 400, 'malformed', 'query: this path takes no parameters');
    expect(audit.all().filter((line) => line.includes(odd))).toEqual([]);
  });

  it('by a name that cannot exist, which is not repeated', async () => {
    const name = cluster.name.replace(project.number, 'eyJhbGciOiJub25lIn0');
    const headers = { ...json, authorization: `Bearer ${await pushToken(cluster)}` };
    const answer = await send({ method: 'POST', headers, body }, `${name}:pushKeys`);
    expect(answer.status).toBe(401);
    const line = await lineOf(answer);
    expect(line).toMatchObject({ reason: 'unknown_provider', check: 'unknown: malformed name' });
    for (const member of ['project', 'pool', 'provider']) expect(line).not.toHaveProperty(member);
  });
});

describe('every line', () => {
  it('is written although the push throws: 500, and the kind of the fault', async () => {
    const lines: string[] = [];
    const secret = 'the message of the exception';
    const write = createPushAuditLog((line) => lines.push(line));
    const written: Promise<void>[] = [];
    const app = createApp({
      ...unreachable(),
      exchange: {
        ...unreachable().exchange,
        openConfig: () => {
          throw new TypeError(secret);
        },
        recordPush: (event) => written.push(write(event)),
      },
      reportFault: () => undefined,
    });
    const answer = await push(cluster, [cluster.issuer], undefined, async (request) => app.fetch(request));
    await Promise.all(written);
    expect(answer).toMatchObject({ status: 500, body: { error: { status: 'INTERNAL' } } });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      requestId: answer.headers.get('x-request-id'),
      outcome: 'refused',
      reason: 'internal',
      check: 'TypeError',
      provider: cluster.name,
    });
    expect(lines[0]).not.toContain(secret);
  });

  it('holds neither token nor key material, whatever is pushed by whatever', async () => {
    const next = await createIssuer();
    const good = await pushToken(cluster);
    const minted = String((await exchange(cluster)).body['access_token']);
    const tokens = [good, good, minted, `${good}x`, await cluster.token()];
    const before = audit.all().length;
    for (const token of tokens) await lineOf(await push(cluster, [cluster.issuer, next], token));
    expect((await admin('POST', `/v1/${cluster.name}:pushKeys`, { jwksJson: good })).status).toBe(401);
    const lines = audit.all().slice(before);
    expect(lines.length).toBeGreaterThanOrEqual(tokens.length);
    const { x, y } = next.publicJwk as Record<string, string>;
    for (const secret of ['eyJ', env.EDGE_STS_ADMIN_TOKEN ?? '', x ?? '', y ?? '', good.slice(-40)]) {
      expect(secret).not.toBe('');
      expect(lines.filter((line) => line.includes(secret))).toEqual([]);
    }
  });

  it('is printable, whatever a kid is spelled with', async () => {
    const kid = 'next\u202e\u200b\u2028';
    const next = await createIssuer('ES256', kid);
    const answer = await push(cluster, [cluster.issuer, next]);
    expect(answer.status).toBe(200);
    expect((await lineOf(answer))['kids']).toEqual([cluster.issuer.kid, kid]);
    expect(audit.all().filter((line) => /[\u200b\u2028\u202e]/.test(line))).toEqual([]);
  });
});

/** CONTRACT's exchange table, what is wrong with the token: one text for nearly all of it, and the rule in the audit line. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  captureAudit,
  type Cluster,
  createProject,
  exchange,
  type TestProject,
} from '../support/broker.ts';
import { createIssuer, workloadClaims } from '../support/issuer.ts';
import { expectRefusal, sameHeaders } from './refusals-support.ts';

const audit = captureAudit();
let project: TestProject;
let cluster: Cluster;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
});

describe('400 invalid_grant', () => {
  const claims = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
    ...workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` }),
    ...more,
  });
  const now = Math.floor(Date.now() / 1_000);
  const texts = new Set<string>();
  const headers = new Set<string>();

  const cases: [string, string, () => Promise<string>][] = [
    ['not a token', 'token_format', async () => 'garbage'],
    ['a JWE', 'token_format', async () => 'a.b.c.d.e'],
    ['an unknown key id', 'unknown_kid', () => cluster.issuer.sign(claims(), { kid: 'other' })],
    ['a key id of Object', 'unknown_kid', () => cluster.issuer.sign(claims(), { kid: '__proto__' })],
    ['alg none', 'alg_not_allowed', () => cluster.issuer.sign(claims(), { alg: 'none' })],
    ['alg HS256', 'alg_not_allowed', () => cluster.issuer.sign(claims(), { alg: 'HS256' })],
    ['RS256 said of an EC key', 'key_alg_mismatch', () => cluster.issuer.sign(claims(), { alg: 'RS256' })],
    [
      'another cluster, same kid',
      'signature',
      async () => (await createIssuer('ES256', cluster.issuer.kid)).sign(claims()),
    ],
    [
      'a changed payload',
      'signature',
      async () => {
        const [header = '', , signature = ''] = (await cluster.issuer.sign(claims())).split('.');
        const [, payload = ''] = (await cluster.issuer.sign(claims({ sub: 'system:serviceaccount:shop:root' }))).split(
          '.',
        );
        return `${header}.${payload}.${signature}`;
      },
    ],
    [
      'a header member we do not use',
      'header_member',
      () => cluster.issuer.sign(claims(), { jku: 'https://evil.example' }),
    ],
    ['our own type of token', 'header_typ', () => cluster.issuer.sign(claims(), { typ: 'at+jwt' })],
    ['another issuer', 'issuer', () => cluster.issuer.sign(claims({ iss: `${cluster.issuerUri}/` }))],
    ['an issuer list', 'issuer', () => cluster.issuer.sign(claims({ iss: [cluster.issuerUri] }))],
    ['no exp', 'time_claims', () => cluster.issuer.sign(claims({ exp: undefined }))],
    ['exp as text', 'time_claims', () => cluster.issuer.sign(claims({ exp: String(now + 60) }))],
    ['a fraction in exp', 'time_claims', () => cluster.issuer.sign(claims({ exp: now + 60.5 }))],
    ...[-1, 0, 1, 2 ** 53, 1e15, null, true, [], {}, '', `${now + 60}`, '9999-12-31'].map(
      (exp): [string, string, () => Promise<string>] => [
        `exp ${JSON.stringify(exp)}`,
        exp === 2 ** 53 ? 'payload_json' : 'time_claims',
        () => cluster.issuer.sign(claims({ exp })),
      ],
    ),
    ...[-1, 2 ** 53, null, true, [], '', `${now}`, now + 0.5].map((iat): [string, string, () => Promise<string>] => [
      `iat ${JSON.stringify(iat)}`,
      iat === 2 ** 53 ? 'payload_json' : 'time_claims',
      () => cluster.issuer.sign(claims({ iat })),
    ]),
    ...[-1, null, true, [], '', `${now}`, now + 0.5].map((nbf): [string, string, () => Promise<string>] => [
      `nbf ${JSON.stringify(nbf)}`,
      'time_claims',
      () => cluster.issuer.sign(claims({ nbf })),
    ]),
    ['no iat', 'time_claims', () => cluster.issuer.sign(claims({ iat: undefined }))],
    ['iat after exp', 'time_claims', () => cluster.issuer.sign(claims({ iat: now + 30, exp: now + 20 }))],
    ['exp after the year 9999', 'time_claims', () => cluster.issuer.sign(claims({ exp: 253_402_300_800 }))],
    [
      'exp 1e999',
      'payload_json',
      () =>
        cluster.issuer.signText(
          JSON.stringify({ alg: 'ES256', kid: cluster.issuer.kid }),
          JSON.stringify(claims({ exp: 0 })).replace('"exp":0', '"exp":1e999'),
        ),
    ],
    ['iat two minutes ahead', 'issued_in_future', () => cluster.issuer.sign(claims({ iat: now + 120 }))],
    ['nbf two minutes ahead', 'not_yet_valid', () => cluster.issuer.sign(claims({ nbf: now + 120 }))],
    [
      'a life of more than a day',
      'lifetime',
      () => cluster.issuer.sign(claims({ exp: Number(claims()['iat']) + 86_401 })),
    ],
    ['no kubernetes.io', 'kubernetes_claims', () => cluster.issuer.sign(claims({ 'kubernetes.io': undefined }))],
    [
      'a namespace with a slash',
      'kubernetes_claims',
      () =>
        cluster.issuer.sign(
          claims({
            'kubernetes.io': { namespace: 'a/sa/b', serviceaccount: { name: 'x', uid: 'u' } },
            sub: 'system:serviceaccount:a/sa/b:x',
          }),
        ),
    ],
    [
      'a subject that disagrees',
      'subject_disagrees',
      () => cluster.issuer.sign(claims({ sub: 'system:serviceaccount:kube-system:admin' })),
    ],
    [
      'a subject list',
      'subject_disagrees',
      () => cluster.issuer.sign(claims({ sub: ['system:serviceaccount:shop:checkout'] })),
    ],
    [
      'a subject twice',
      'payload_json',
      () =>
        cluster.issuer.signText(
          JSON.stringify({ alg: 'ES256', kid: cluster.issuer.kid }),
          JSON.stringify(claims()).replace('{', '{"sub":"system:serviceaccount:shop:checkout",'),
        ),
    ],
    [
      'a deep payload',
      'payload_json',
      () => cluster.issuer.sign(claims({ x: JSON.parse(`${'['.repeat(20)}${']'.repeat(20)}`) })),
    ],
  ];

  it.each(cases)('%s (%s): one text for all', async (_what, check, token) => {
    const answer = await exchange(cluster, undefined, await token());
    await expectRefusal(audit, answer, 400, 'invalid_grant', 'unverified', check);
    texts.add(answer.text);
    headers.add(sameHeaders(answer));
    expect([texts.size, headers.size]).toEqual([1, 1]);
  });

  it.each([
    ['expired', 'expired', () => cluster.token({ issuedAtSeconds: now - 3_700 })],
    ['one second left', 'expired', () => cluster.token({ issuedAtSeconds: now - 3_600 + 1 })],
    ['no audience', 'audience', () => cluster.issuer.sign(claims({ aud: undefined }))],
    ['an empty audience list', 'audience', () => cluster.token({ audience: [] })],
    [
      'two audiences, one of them ours',
      'audience',
      () => cluster.token({ audience: ['https://kubernetes.default.svc', `https:${cluster.audience}`] }),
    ],
    ['a nested audience', 'audience', () => cluster.issuer.sign(claims({ aud: [[`https:${cluster.audience}`]] }))],
    ['an audience with a slash more', 'audience', () => cluster.token({ audience: `https:${cluster.audience}/` })],
    [
      'an audience in capitals',
      'audience',
      () => cluster.token({ audience: `https:${cluster.audience}`.toUpperCase() }),
    ],
    [
      'a prefix of the audience',
      'audience',
      () => cluster.token({ audience: `https:${cluster.audience}`.slice(0, -1) }),
    ],
    ["the API server's audience", 'audience', () => cluster.token({ audience: 'https://kubernetes.default.svc' })],
    [
      'a legacy token',
      'legacy_token',
      () =>
        cluster.issuer.sign({
          iss: 'kubernetes/serviceaccount',
          sub: 'system:serviceaccount:shop:checkout',
          'kubernetes.io/serviceaccount/namespace': 'shop',
          'kubernetes.io/serviceaccount/service-account.name': 'checkout',
        }),
    ],
    ['a one-year token', 'one_year_token', () => cluster.token({ lifetimeSeconds: 31_536_000 })],
  ] as [string, string, () => Promise<string>][])('%s (%s): a text of its own', async (_what, check, token) => {
    const answer = await exchange(cluster, undefined, await token());
    await expectRefusal(audit, answer, 400, 'invalid_grant', 'unverified', check);
    expect([...texts]).not.toContain(answer.text);
    expect(String(answer.body['error_description']).toLowerCase()).toMatch(/expired|audience/);
  });

  it('a token for one provider at another', async () => {
    const other = await addCluster(project, { issuer: cluster.issuer });
    const answer = await exchange(other, undefined, await cluster.token());
    await expectRefusal(audit, answer, 400, 'invalid_grant', 'unverified', 'audience');
  });

  it('our own minted token as subject token', async () => {
    const own = await exchange(cluster);
    const answer = await exchange(cluster, undefined, String(own.body['access_token']));
    await expectRefusal(audit, answer, 400, 'invalid_grant', 'unverified', 'header_typ');
  });
});

describe('400 unauthorized_client', () => {
  it('a condition that is false', async () => {
    const other = await addCluster(project, { extra: { attributeCondition: 'google.subject == "ns/other/sa/one"' } });
    await expectRefusal(audit, await exchange(other), 400, 'unauthorized_client', 'condition_false');
  });

  it('a condition that fails while it is evaluated', async () => {
    const other = await addCluster(project, { extra: { attributeCondition: 'assertion.tenant == "a"' } });
    await expectRefusal(audit, await exchange(other), 400, 'unauthorized_client', 'condition_error');
  });
});

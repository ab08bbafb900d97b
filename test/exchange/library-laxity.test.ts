/**
 * What a library lets through with the algorithm pinned and issuer and audience set (SECURITY.md §0.1, T2): each row is first shown to be
 * taken by jose, so that it is our rule that refuses it.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  type Answer,
  captureAudit,
  type Cluster,
  createProject,
  exchange,
  type TestProject,
} from '../support/broker.ts';
import { addOidc, claimsFor, expectUnverified, headerFor, joseAccepts } from './hostile-support.ts';

const audit = captureAudit();
let project: TestProject;
let cluster: Cluster;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
});

const signed = (claims: object, header: Readonly<Record<string, unknown>> = {}): Promise<string> =>
  cluster.issuer.sign(claimsFor(cluster, claims), header);

/** The claims as text, one member put in the place of another. */
const respelled = (member: string, text: string): Promise<string> => {
  const claims = JSON.stringify(claimsFor(cluster, { [member]: 'HERE' })).replace(`"${member}":"HERE"`, text);
  return cluster.issuer.signText(JSON.stringify(headerFor(cluster)), claims);
};

const YEAR_2100 = 4_102_444_800;
const SUBJECT = '"sub":"system:serviceaccount:shop:checkout"';

const ROWS: readonly (readonly [what: string, check: string, token: () => Promise<string>])[] = [
  ['exp 1e999, which is Infinity', 'payload_json', () => respelled('exp', '"exp":1e999')],
  ['no exp', 'time_claims', () => signed({ exp: undefined })],
  ['no iat', 'time_claims', () => signed({ iat: undefined })],
  ['iat far ahead', 'issued_in_future', () => signed({ iat: YEAR_2100, nbf: undefined, exp: YEAR_2100 + 600 })],
  ['a life of a hundred years', 'one_year_token', () => signed({ exp: YEAR_2100 })],
  ['a fraction of a second in exp', 'time_claims', () => signed({ exp: YEAR_2100 + 0.5 })],
  ['a subject list', 'subject_disagrees', () => signed({ sub: ['system:serviceaccount:shop:checkout'] })],
  ['an empty subject', 'subject_disagrees', () => signed({ sub: '' })],
  ['no subject', 'subject_disagrees', () => signed({ sub: undefined })],
  ['a NUL in the subject', 'subject_disagrees', () => signed({ sub: 'system:serviceaccount:shop:checkout\u0000' })],
  ['half a surrogate pair in the subject', 'payload_json', () => respelled('sub', '"sub":"shop\\ud800"')],
  ['a subject twice', 'payload_json', () => respelled('sub', `"sub":"nobody",${SUBJECT}`)],
  ['a subject twice, once escaped', 'payload_json', () => respelled('sub', `"\\u0073ub":"nobody",${SUBJECT}`)],
  ['two audiences', 'audience', () => signed({ aud: [`https:${cluster.audience}`, 'https://other.example'] })],
  ['1,500 objects in each other', 'payload_json', () => signed({ x: deep(1_500) })],
  ['b64: false without crit', 'header_member', () => signed({}, { b64: false })],
  ['an encryption that is none', 'header_member', () => signed({}, { enc: 'A256GCM' })],
  ['a compression that is none', 'header_member', () => signed({}, { zip: 'DEF' })],
  ['a key brought along', 'header_member', () => signed({}, { jwk: cluster.issuer.publicJwk })],
  ['a key address', 'header_member', () => signed({}, { jku: 'https://evil.example/jwks' })],
  ['a certificate address', 'header_member', () => signed({}, { x5u: 'https://evil.example/cert' })],
  ['a certificate', 'header_member', () => signed({}, { x5c: ['MIIB'] })],
  ['a nested token', 'header_member', () => signed({}, { cty: 'JWT' })],
  ['a number as key id', 'header_kid', () => signed({}, { kid: 7 })],
  ['an object as key id', 'header_kid', () => signed({}, { kid: { toString: 'k' } })],
  ['no key id', 'header_kid', () => signed({}, { kid: undefined })],
  ...['at+jwt', 'application/at+jwt', 'logout+jwt', 'dpop+jwt', 'secevent+jwt', 'JWS', '', 'JWT '].map(
    (typ) => [`the type ${JSON.stringify(typ)}`, 'header_typ', () => signed({}, { typ })] as const,
  ),
  ['a type that is no text', 'header_typ', () => signed({}, { typ: 7 })],
  ['padding', 'token_format', async () => `${await cluster.token()}==`],
  ['another last character', 'token_format', async () => otherEnding(await cluster.token())],
  ['a blank in the signature', 'token_format', async () => withBlank(await cluster.token())],
];

/** The two that an honest caller must understand are told to him (CONTRACT). */
const OWN_TEXTS: Readonly<Record<string, RegExp>> = { audience: /audience/, one_year_token: /projected token/ };

describe('jose takes and we refuse', () => {
  it.each(ROWS)('%s (%s)', async (_what, check, make) => {
    const token = await make();
    expect(await joseAccepts(cluster, token)).toBe(true);
    await expectUnverified(audit, await exchange(cluster, undefined, token), check, OWN_TEXTS[check]);
  });

  it.each([
    ['a token of 5 MB', () => signed({ x: 'x'.repeat(3_750_000) })],
    ['200,000 lists in each other', () => respelled('jti', `"x":${'['.repeat(200_000)}${']'.repeat(200_000)}`)],
  ])('%s, before it is read', async (_what, make) => {
    const token = await make();
    expect(await joseAccepts(cluster, token)).toBe(true);
    expect((await exchange(cluster, undefined, token)).status).toBe(413);
  });

  it('the control: what is refused there is refused for that alone', async () => {
    const token = await signed({ x: deep(3) }, { typ: 'JWT' });
    expect(await joseAccepts(cluster, token)).toBe(true);
    expect((await exchange(cluster, undefined, token)).status).toBe(200);
  });
});

describe('a subject of an oidc provider, where there is no kubernetes.io beside it', () => {
  it.each([[''], [null], [7], [['x']], [{ sub: 'x' }], [undefined], ['a\u0000b'], ['a\u202eb\u0007']])(
    '%j is none',
    async (sub) => {
      const ci = await addOidc(project, { 'google.subject': 'assertion.sub' });
      const answer: Answer = await ci.exchange({ sub });
      expect({ status: answer.status, error: answer.body['error'] }).toEqual({
        status: 400,
        error: 'unauthorized_client',
      });
      expect(await audit.lineFor(answer)).toMatchObject({ outcome: 'refused', reason: 'condition_error' });
    },
  );
});

function deep(depth: number): unknown {
  return depth === 0 ? 1 : { a: deep(depth - 1) };
}

/** Of the last of 86 characters two bits are signature; the other four say nothing. */
function otherEnding(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return `${token.slice(0, -1)}${alphabet[alphabet.indexOf(token.slice(-1)) + 1] ?? ''}`;
}

function withBlank(token: string): string {
  return `${token.slice(0, -10)} ${token.slice(-10)}`;
}

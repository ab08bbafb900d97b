/** Nothing in a token makes us ask anybody but the issuer that an administrator registered (SECURITY.md §1.3, LESSONS.md §6, 1, 7, 15, 18). */
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  captureAudit,
  type Cluster,
  createProject,
  type Fetch,
  postToken,
  tokenForm,
} from '../support/broker.ts';
import { countingObjects } from '../support/faulty-bindings.ts';
import { base64Url, createIssuer } from '../support/issuer.ts';
import { claimsFor, headerFor } from './hostile-support.ts';

const EVIL = 'https://evil.example';
const audit = captureAudit();
/** Of one cluster the keys were uploaded, of the other they are discovered. */
let uploaded: Cluster;
let discovered: Cluster;
let asked: string[] = [];

/** Header and claims, and the rule that refuses the token; `undefined` where it is good in spite of what it says. */
const TOKENS: readonly (readonly [what: string, check: string | undefined, header: object, claims: object])[] = [
  ['jku', 'header_member', { jku: `${EVIL}/jwks` }, {}],
  ['x5u', 'header_member', { x5u: `${EVIL}/cert.pem` }, {}],
  ['jwk', 'header_member', { jwk: { kty: 'RSA', n: 'x', e: 'AQAB' } }, {}],
  ['x5c', 'header_member', { x5c: ['MIIB'] }, {}],
  ['crit', 'header_member', { crit: ['jku'], jku: EVIL }, {}],
  ['iss in the header', 'header_member', { iss: EVIL }, {}],
  ['no kid', 'header_kid', { kid: undefined }, {}],
  ['an empty kid', 'header_kid', { kid: '' }, {}],
  ['a kid that is no text', 'header_kid', { kid: { url: EVIL } }, {}],
  ['typ', 'header_typ', { typ: `${EVIL}/t` }, {}],
  ['alg', 'alg_not_allowed', { alg: EVIL }, {}],
  ['x5t', undefined, { x5t: `${EVIL}/t` }, {}],
  ['iss', 'issuer', {}, { iss: EVIL }],
  ['an issuer with ours before it', 'issuer', {}, { iss: 'https://issuer.example.com.evil.example' }],
  ['an issuer with ours as user', 'issuer', {}, { iss: 'https://issuer.example.com@evil.example' }],
  ['aud', 'audience', {}, { aud: EVIL }],
  ['jwks_uri', undefined, {}, { jwks_uri: EVIL }],
  ['_claim_sources', undefined, {}, { _claim_sources: { src: { endpoint: EVIL } } }],
];

const ISSUER = 'https://issuer.example.com';
const ISSUER_ONLY = [`${ISSUER}/.well-known/openid-configuration`, `${ISSUER}/jwks`];

beforeAll(async () => {
  const issuer = await createIssuer();
  // From the first, for a provider that is made is looked at at once; and for good, for alarms come late.
  vi.stubGlobal('fetch', async (url: unknown) => {
    asked.push(String(url));
    const isDiscovery = String(url) === ISSUER_ONLY[0];
    return isDiscovery ? Response.json({ issuer: ISSUER, jwks_uri: ISSUER_ONLY[1] }) : new Response(issuer.jwksJson);
  });
  const project = await createProject();
  uploaded = await addCluster(project);
  const kubernetes = { clusterUri: 'https://clusters.example.com/discovered', issuerUri: ISSUER };
  discovered = await addCluster(project, { issuer, issuerUri: ISSUER, extra: { kubernetes } });
  await vi.waitFor(() => expect(asked).toEqual(ISSUER_ONLY));
});

beforeEach(() => {
  asked = [];
});

function countingEdge(): { readonly edge: Fetch; readonly objects: ReturnType<typeof countingObjects> } {
  const objects = countingObjects(env.ISSUER_KEYS);
  const bound: Env = { ...env, ISSUER_KEYS: objects.namespace };
  const broker = createBroker(bound);
  return { edge: async (request) => broker.fetch(request, bound), objects };
}

async function checkOf(cluster: Cluster, token: string, edge: Fetch, parameter?: string): Promise<unknown> {
  const answer = await postToken(tokenForm(parameter, token), {}, edge);
  const line = await audit.lineFor(answer);
  return answer.status === 200 ? undefined : (line['check'] ?? line['reason'] ?? cluster.name);
}

describe('what a token says', () => {
  it.each(TOKENS)('(%s) asks nobody where keys were uploaded: %s', async (_what, check, header, claims) => {
    const { edge, objects } = countingEdge();
    const token = await uploaded.issuer.sign(claimsFor(uploaded, claims), header as Record<string, unknown>);
    expect(await checkOf(uploaded, token, edge, uploaded.audience)).toBe(check);
    await checkOf(uploaded, token, edge);
    expect(asked).toEqual([]);
    expect(objects.names()).toEqual([]);
  });

  it.each(TOKENS)(
    '(%s) asks nobody but the registered issuer where keys are discovered: %s',
    async (_what, check, header, claims) => {
      const { edge, objects } = countingEdge();
      const token = await discovered.issuer.sign(claimsFor(discovered, claims), header as Record<string, unknown>);
      expect(await checkOf(discovered, token, edge, discovered.audience)).toBe(check);
      expect(asked.filter((url) => !ISSUER_ONLY.includes(url))).toEqual([]);
      // What is refused for its header is refused before anybody is asked for a key.
      if (check?.startsWith('header_') === true) expect(objects.calls()).toBe(0);
      else expect(objects.names().length).toBeLessThanOrEqual(1);
    },
  );

  it('as a key id goes to the provider’s own object and into no URL', async () => {
    const { edge, objects } = countingEdge();
    for (const kid of [`${EVIL}/key`, `//${EVIL}`, '../../evil', '?x=', '#', 'file:///etc/passwd', `${ISSUER}/other`]) {
      const token = await discovered.issuer.sign(claimsFor(discovered), { kid });
      expect(await checkOf(discovered, token, edge, discovered.audience)).toBe('unknown_kid');
    }
    expect(objects.calls()).toBeGreaterThan(0);
    expect(objects.names().length).toBe(1);
    expect(asked.filter((url) => !ISSUER_ONLY.includes(url))).toEqual([]);
  });
});

describe('random key ids at the front door', () => {
  it('a thousand cause one look of two requests, write no record of their own, and cost the honest nothing', async () => {
    const { edge } = countingEdge();
    expect((await postToken(tokenForm(discovered.audience, await discovered.token()), {}, edge)).status).toBe(200);
    asked = [];
    const signature = base64Url(new Uint8Array(64).fill(1));
    for (let at = 0; at < 1_000; at++) {
      const head = base64Url(JSON.stringify(headerFor(discovered, { kid: `random-${at}` })));
      const token = `${head}.${base64Url(JSON.stringify(claimsFor(discovered)))}.${signature}`;
      const headers = { 'cf-connecting-ip': `198.51.100.${at % 250}` };
      const answer = await postToken(tokenForm(discovered.audience, token), headers, edge);
      expect(answer.body['error']).toBe('invalid_grant');
    }
    expect(asked.length).toBeLessThanOrEqual(2);
    expect((await postToken(tokenForm(discovered.audience, await discovered.token()), {}, edge)).status).toBe(200);
    const { keys } = await env.CACHE.list({ prefix: 'keys:' });
    expect(keys.map(({ name }) => name).filter((name) => name.includes('random'))).toEqual([]);
    expect(keys.filter(({ name }) => name.includes(discovered.providerId)).length).toBeLessThanOrEqual(1);
  });
});

describe('the control', () => {
  it('a request would be counted', async () => {
    await fetch('https://control.example');
    expect(asked).toEqual(['https://control.example']);
    const issuer = await createIssuer();
    expect((await postToken(tokenForm(uploaded.audience, await issuer.sign(claimsFor(uploaded))))).status).toBe(400);
    expect(asked).toEqual(['https://control.example']);
  });
});

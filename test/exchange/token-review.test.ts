/** TokenReview through the front door: a cluster that says no, or nothing, is obeyed; one that was not asked costs nothing. */
import { env } from 'cloudflare:workers';
import { createRemoteJWKSet, customFetch, decodeJwt, jwtVerify } from 'jose';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  addTarget,
  type Answer,
  captureAudit,
  type Cluster,
  createProject,
  must,
  ORIGIN,
  postToken,
  type TestProject,
  type TestTarget,
  tokenForm,
} from '../support/broker.ts';
import { workloadClaims } from '../support/issuer.ts';

const API_SERVER = 'https://api.cluster.example.com';
const UID = '7c1b4f2e-0000-4000-8000-000000000001';

const audit = captureAudit();
const broker = createBroker(env);
let project: TestProject;
let target: TestTarget;
let cluster: Cluster;
/** What left for elsewhere. */
let sent: { url: string; bearer: string; token: string; audiences: string[] }[] = [];
let status: unknown;

beforeAll(async () => {
  project = await createProject();
  target = await addTarget(project, { uri: API_SERVER, tokenType: 'JWT' });
  cluster = await addCluster(project, { extra: { tokenReview: { url: API_SERVER, target: target.id } } });
});

beforeEach(() => {
  sent = [];
  status = { authenticated: true, user: { username: 'system:serviceaccount:shop:checkout', uid: UID } };
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (request, init) => {
    const { url, headers, body } = await readRequest(new Request(request, init));
    sent.push({ url, bearer: headers.get('authorization') ?? '', ...body.spec });
    return status === undefined
      ? new Response(null, { status: 502 })
      : Response.json({ ...body, status }, { status: 201 });
  });
});

afterEach(() => {
  vi.mocked(globalThis.fetch).mockRestore();
});

interface Review {
  readonly spec: { readonly token: string; readonly audiences: string[] };
}

async function readRequest(request: Request): Promise<{ url: string; headers: Headers; body: Review }> {
  return { url: request.url, headers: request.headers, body: await request.json() };
}

async function show(token: string): Promise<Answer> {
  return postToken(tokenForm(cluster.audience, token), {}, async (request) => broker.fetch(request));
}

it('asks the cluster once about a token, with a credential that the pool’s published keys verify', async () => {
  const token = await cluster.token();
  expect((await show(token)).status).toBe(200);
  expect((await show(token)).status).toBe(200);
  expect(sent.length).toBe(1);
  const [question] = sent;
  expect(question).toMatchObject({
    url: `${API_SERVER}/apis/authentication.k8s.io/v1/tokenreviews`,
    token,
    audiences: [cluster.audience, `https:${cluster.audience}`],
  });
  const issuer = `${ORIGIN}/${project.number}/${project.builtInPool}`;
  const published = createRemoteJWKSet(new URL(`${issuer}/jwks`), {
    [customFetch]: async (url: string) => broker.fetch(new Request(url)),
  });
  const bearer = question?.bearer.replace('Bearer ', '') ?? '';
  const { payload } = await jwtVerify(bearer, published, { issuer, audience: API_SERVER, typ: 'JWT' });
  expect(payload).toMatchObject({ sub: cluster.name, client_id: cluster.name });
});

describe('the token is refused', () => {
  it('where the cluster does not know it any more', async () => {
    status = { user: {}, error: '[invalid bearer token, service account token has been invalidated]' };
    const answer = await show(await cluster.token());
    expect({ status: answer.status, error: answer.body['error'] }).toEqual({ status: 400, error: 'invalid_grant' });
    expect(await audit.lineFor(answer)).toMatchObject({ reason: 'unverified', check: 'token_review' });
  });

  it('for now, where the cluster does not answer', async () => {
    status = undefined;
    const answer = await show(await cluster.token());
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await audit.lineFor(answer)).toMatchObject({ reason: 'unavailable', check: 'token_review' });
  });
});

it('does not ask about a token that does not hold by itself: strangers send nothing to the cluster', async () => {
  const expired = workloadClaims({
    issuerUri: cluster.issuerUri,
    audience: `https:${cluster.audience}`,
    issuedAtSeconds: Math.floor(Date.now() / 1_000) - 7_200,
  });
  const forged = (await cluster.token()).replace(/[^.]+$/, 'A'.repeat(86));
  for (const token of [forged, await cluster.issuer.sign(expired), await cluster.token({ audience: 'https://x' })]) {
    expect((await show(token)).status).toBe(400);
  }
  expect(sent).toEqual([]);
});

it('does not ask where the provider does not say so', async () => {
  const other = await addCluster(project);
  const form = tokenForm(other.audience, await other.token());
  expect((await postToken(form, {}, async (request) => broker.fetch(request))).status).toBe(200);
  expect(sent).toEqual([]);
});

it('a target of the name that comes later is another cluster: its credential goes to nobody until the provider names it anew', async () => {
  const own = await addTarget(project, { uri: 'https://api.old.example.com', tokenType: 'JWT' });
  const tokenReview = { url: 'https://api.old.example.com', target: own.id };
  const reviewed = await addCluster(project, { extra: { tokenReview } });
  const ask = async (): Promise<number> =>
    (
      await postToken(tokenForm(reviewed.audience, await reviewed.token()), {}, async (request) =>
        createBroker(env).fetch(request),
      )
    ).status;
  expect(await ask()).toBe(200);
  const audiences = () => new Set(sent.map(({ bearer }) => decodeJwt(bearer.replace('Bearer ', '')).aud));
  await must('DELETE', own.path);
  await must('POST', own.path.replace(/\/([^/]+)$/, '?targetId=$1'), { uri: 'https://api.bank.example.com' });
  expect(await ask()).toBe(503);
  // Who patches something else does not choose it.
  await must('PATCH', `/v1/${reviewed.name}?updateMask=displayName`, { displayName: 'Reviewed' });
  expect(await ask()).toBe(503);
  expect(audiences()).toEqual(new Set(['https://api.old.example.com']));
  await must('PATCH', `/v1/${reviewed.name}?updateMask=tokenReview`, { tokenReview });
  expect(await ask()).toBe(200);
  expect(audiences()).toContain('https://api.bank.example.com');
});

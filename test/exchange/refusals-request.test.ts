/** CONTRACT's exchange table, what is wrong with the request itself: parameters, body, method, path. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  addRole,
  addTarget,
  call,
  captureAudit,
  type Cluster,
  createProject,
  exchange,
  member,
  must,
  postToken,
  setPolicy,
  type TestProject,
  type TestTarget,
  tokenForm,
} from '../support/broker.ts';
import { expectRefusal } from './refusals-support.ts';

const audit = captureAudit();
let project: TestProject;
let cluster: Cluster;
let target: TestTarget;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  target = await addTarget(project);
});

describe('400 invalid_request', () => {
  it.each([
    ['grant_type', { grant_type: undefined }],
    ['subject_token', { subject_token: undefined }],
    ['subject_token', { subject_token: '' }],
    ['subject_token', { subject_token: 'x'.repeat(16_385) }],
    ['subject_token_type', { subject_token_type: undefined }],
    ['subject_token_type', { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }],
    ['requested_token_type', { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
    ['audience', { audience: 'https://sts.example.com' }],
    ['audience', { audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p' }],
    ['audience', { audience: '//iam.googleapis.com/locations/global/workforcePools/p/providers/q' }],
    ['actor_token', { actor_token: 'x' }],
    ['actor_token', { actor_token_type: 'urn:ietf:params:oauth:token-type:jwt' }],
    ['options', { options: 'not json' }],
    ['options', { options: '{"accessBoundary":{}}' }],
  ])('%s malformed: %j', async (parameter, change) => {
    const answer = await postToken(tokenForm(cluster.audience, await cluster.token(), change));
    await expectRefusal(audit, answer, 400, 'invalid_request', 'malformed', parameter);
    expect(answer.body['error_description']).toContain(parameter);
  });

  it.each([
    'grant_type',
    'audience',
    'subject_token',
    'subject_token_type',
    'requested_token_type',
    'resource',
    'scope',
    'options',
    'actor_token',
    'actor_token_type',
  ])('%s twice', async (parameter) => {
    const form = tokenForm(cluster.audience, await cluster.token(), { resource: target.uri });
    for (const _ of Array.from({ length: form.has(parameter) ? 1 : 2 }))
      form.append(parameter, form.get(parameter) ?? '{}');
    await expectRefusal(
      audit,
      await postToken(form),
      400,
      'invalid_request',
      'malformed',
      `${parameter}: stands more than once`,
    );
  });

  it('a name in other letters is another name: it neither counts nor doubles', async () => {
    const form = tokenForm(cluster.audience, await cluster.token(), { grant_type: undefined });
    form.append('Grant_Type', 'urn:ietf:params:oauth:grant-type:token-exchange');
    await expectRefusal(audit, await postToken(form), 400, 'invalid_request', 'malformed', 'grant_type: is missing');
    const twins = tokenForm(cluster.audience, await cluster.token());
    twins.append('SUBJECT_TOKEN', 'a.b.c');
    twins.append('subjectToken', 'a.b.c');
    expect((await postToken(twins)).status).toBe(200);
  });

  it('no audience, and none in the token either', async () => {
    const token = await cluster.token({ audience: 'something' });
    await expectRefusal(
      audit,
      await postToken(tokenForm(undefined, token)),
      400,
      'invalid_request',
      'malformed',
      'audience',
    );
  });

  it.each(['subject_token', 'access_token', 'audience', 'subjectToken', 'SUBJECT_TOKEN', 'client_assertion'])(
    '%s in the query',
    async (parameter) => {
      const form = tokenForm(cluster.audience, await cluster.token());
      const answer = await call(`/v1/token?${parameter}=x`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
      });
      await expectRefusal(audit, answer, 400, 'invalid_request', 'malformed', 'query');
    },
  );

  it('a token in the query under any name', async () => {
    const form = tokenForm(cluster.audience, await cluster.token());
    const answer = await call(`/v1/token?foo=${await cluster.token()}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    });
    await expectRefusal(audit, answer, 400, 'invalid_request', 'malformed', 'query');
  });

  it.each([
    ['a form that begins with a question mark', (form: string) => `?${form}`],
    ['bytes that are no UTF-8', (form: string) => `${form}&resource=%ff`],
  ])('%s', async (_what, spoil) => {
    const answer = await call('/v1/token', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: spoil(tokenForm(cluster.audience, await cluster.token()).toString()),
    });
    await expectRefusal(audit, answer, 400, 'invalid_request', 'malformed');
  });

  it('a body that breaks off', async () => {
    const broken = new ReadableStream({
      pull(controller) {
        controller.error(new Error('the client is gone'));
      },
    });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: broken, duplex: 'half' };
    await expectRefusal(audit, await call('/v1/token', init), 400, 'invalid_request', 'malformed', 'body');
  });

  it.each([
    '//iam.googleapis.com/projects/1%32/locations/global/workloadIdentityPools/p/providers/q',
    '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/a b/providers/q',
    '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/p/providers/../../other',
    '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/p/providers/q/../r',
    '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/p/providers/%2e%2e',
    '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools//providers/q',
    '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/p/providers/\u009b31m',
  ])('an audience with what no name can hold: %s', async (audience) => {
    const answer = await postToken(tokenForm(audience, await cluster.token()));
    await expectRefusal(audit, answer, 400, 'invalid_request', 'malformed', 'audience');
  });

  it.each(['ES256', 'RS256'])('a minted token over 8 KiB, counted to the byte: %s', async (tokenSigningAlg) => {
    const big = `https://${tokenSigningAlg}.example.com/${'x'.repeat(1_900)}`;
    const many = await addTarget(project, { uri: big, tokenSigningAlg });
    const roles = await Promise.all(Array.from({ length: 3 }, () => addRole(project)));
    const scopes = Array.from({ length: 45 }, (_, index) => `https://scopes.example.com/${index}/${'y'.repeat(100)}`);
    await must('PATCH', `${many.path}?updateMask=allowedScopes`, { allowedScopes: scopes });
    await setPolicy(
      many.path,
      roles.map((role) => ({ role, members: [member(project, cluster.pool, 'subject/ns/shop/sa/checkout')] })),
    );
    const [one = '', all] = [scopes[0], scopes.slice(0, 30).join(' ')];
    const short = await exchange(cluster, big, undefined, { scope: one });
    expect(short.status).toBe(200);
    const [header = '', payload = '', signature = ''] = String(short.body['access_token']).split('.');
    const payloadBytes = Math.floor((payload.length * 3) / 4) + all.length - one.length;
    const bytes = header.length + Math.ceil((payloadBytes * 4) / 3) + signature.length + 2;
    const answer = await exchange(cluster, big, undefined, { scope: all });
    await expectRefusal(audit, answer, 400, 'invalid_request', 'token_too_large', `${bytes} bytes`);
  });
});

describe('400 unsupported_grant_type, invalid_scope', () => {
  it('another grant type', async () => {
    const form = tokenForm(cluster.audience, await cluster.token(), { grant_type: 'client_credentials' });
    await expectRefusal(audit, await postToken(form), 400, 'unsupported_grant_type', 'unsupported_grant_type');
  });

  it.each(['a"b', 'a\\b', 'a\u0007b', 'grüße', 'a\tb'])('scope %j', async (scope) => {
    const form = tokenForm(cluster.audience, await cluster.token(), { scope });
    await expectRefusal(audit, await postToken(form), 400, 'invalid_scope', 'invalid_scope');
  });
});

describe('404, 405, 413, 415', () => {
  it.each(['GET', 'PUT', 'DELETE', 'OPTIONS'])('%s', async (method) => {
    const answer = await call('/v1/token', { method });
    await expectRefusal(audit, answer, 405, 'invalid_request', 'method_not_allowed');
    expect(answer.headers.get('allow')).toBe('POST');
  });

  it('a body over 64 KiB, with and without its length', async () => {
    const form = tokenForm(cluster.audience, await cluster.token(), { junk: 'x'.repeat(70_000) });
    await expectRefusal(audit, await postToken(form), 413, 'invalid_request', 'body_too_large');
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode('x'.repeat(10_000)));
      },
    });
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: stream,
      duplex: 'half',
    };
    await expectRefusal(audit, await call('/v1/token', init), 413, 'invalid_request', 'body_too_large');
  });

  it.each(['text/plain', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded-not', ''])(
    'content type %j',
    async (type) => {
      const answer = await call('/v1/token', {
        method: 'POST',
        headers: { 'content-type': type },
        body: 'grant_type=x',
      });
      await expectRefusal(audit, answer, 415, 'invalid_request', 'unsupported_media_type');
    },
  );

  it('an unknown path beside it, in the same dialect', async () => {
    await expectRefusal(audit, await call('/v1/token/', { method: 'POST' }), 404, 'invalid_request', 'not_found');
    await expectRefusal(audit, await call('/v1/token/x', { method: 'GET' }), 404, 'invalid_request', 'not_found');
  });
});

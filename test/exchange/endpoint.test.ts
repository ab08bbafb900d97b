/** POST /v1/token as Google's clients spell it (WIRE.md A.2), and what every answer carries. */
import { beforeAll, describe, expect, it } from 'vitest';
import { addCluster, call, type Cluster, createProject, postToken, tokenForm } from '../support/broker.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await addCluster(await createProject());
});

const form = async (more: Record<string, string | undefined> = {}): Promise<URLSearchParams> =>
  tokenForm(cluster.audience, await cluster.token(), more);

describe('the form', () => {
  it.each([
    [
      'node: charset without a space, cloud-platform',
      {},
      { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' },
    ],
    ['python: no scope', { scope: undefined }, {}],
    ['go: an empty scope', { scope: '' }, {}],
    ['capitals in the media type', {}, { 'content-type': 'Application/X-WWW-Form-URLEncoded' }],
    ['an Authorization header', {}, { authorization: 'Basic Zm9vOmJhcg==' }],
    ['unknown parameters, client credentials', { foo: 'bar', client_id: 'x', client_secret: 'y' }, {}],
    ['options as JSON', { options: '{"userProject":"123"}' }, {}],
    ['options percent-encoded once more, as python does', { options: encodeURIComponent('{"userProject":"123"}') }, {}],
    ['an id_token', { subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' }, {}],
    ['no requested type', { requested_token_type: undefined }, {}],
    ['empty parameters count as absent', { resource: '', actor_token: '', options: '' }, {}],
  ])('%s', async (_what, more, headers) => {
    const answer = await postToken(await form(more), headers);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body).toMatchObject({
      token_type: 'Bearer',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
    expect(Number.isInteger(answer.body['expires_in'])).toBe(true);
    expect(Number(answer.body['expires_in'])).toBeGreaterThan(0);
  });

  it('a token file that ends in a newline', async () => {
    expect((await postToken(await form({ subject_token: `${await cluster.token()}\n` }))).status).toBe(200);
  });

  it.each(['access_token', 'jwt', 'id_token'])('echoes the requested type %s', async (type) => {
    const urn = `urn:ietf:params:oauth:token-type:${type}`;
    expect((await postToken(await form({ requested_token_type: urn }))).body['issued_token_type']).toBe(urn);
  });
});

describe('JSON', () => {
  const post = (body: string, type = 'application/json'): ReturnType<typeof call> =>
    call('/v1/token', { method: 'POST', headers: { 'content-type': type }, body });
  const camel = (name: string): string =>
    name.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());

  it('in camelCase and in snake_case', async () => {
    const snake = Object.fromEntries(await form());
    expect((await post(JSON.stringify(snake))).status).toBe(200);
    const camelled = Object.fromEntries([...(await form())].map(([name, value]) => [camel(name), value]));
    expect((await post(JSON.stringify(camelled), 'application/json; charset=utf-8')).status).toBe(200);
    expect((await post(JSON.stringify({ ...snake, scope: null, unknown: { a: [1] } }))).status).toBe(200);
  });

  it.each([
    ['both spellings', (body: string) => body.replace('{', '{"subjectToken":"x",')],
    ['a member twice', (body: string) => body.replace('{', '{"audience":"x",')],
    ['a member twice, escaped', (body: string) => body.replace('{', '{"\\u0061udience":"x",')],
    ['a number for a text', (body: string) => body.replace(/"scope":"[^"]*"/, '"scope":1')],
    ['a list', () => '[]'],
    ['half a document', (body: string) => body.slice(0, -1)],
    ['depth', (body: string) => body.replace('{', `{"deep":${'['.repeat(20)}${']'.repeat(20)},`)],
    ['nothing', () => ''],
  ])('refuses %s', async (_what, spoil) => {
    const answer = await post(spoil(JSON.stringify(Object.fromEntries(await form()))));
    expect({ status: answer.status, error: answer.body['error'] }).toEqual({ status: 400, error: 'invalid_request' });
  });
});

it('broken UTF-8 in JSON is refused, not repaired', async () => {
  const good = new TextEncoder().encode(JSON.stringify(Object.fromEntries(await form())));
  const broken = new Uint8Array([...good.slice(0, -2), 0xff, ...good.slice(-2)]);
  const answer = await call('/v1/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: broken,
  });
  expect({ status: answer.status, error: answer.body['error'] }).toEqual({ status: 400, error: 'invalid_request' });
  expect(answer.body['error_description']).toContain('UTF-8');
});

describe('every answer', () => {
  it('has an X-Request-Id of its own', async () => {
    const answers = await Promise.all([
      postToken(await form()),
      postToken(new URLSearchParams()),
      call('/nowhere'),
      call('/v1/projects'),
    ]);
    const ids = answers.map((answer) => answer.headers.get('x-request-id'));
    expect(new Set(ids).size).toBe(answers.length);
    expect(ids).not.toContain(null);
  });

  it('on the token path is no-store and names no origin for scripts', async () => {
    for (const answer of [await postToken(await form()), await postToken(new URLSearchParams())]) {
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});

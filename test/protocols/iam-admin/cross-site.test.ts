/** A browser brings Access's cookie along for any page: only our own pages, and no browser at all, may change anything for a user. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type AdminRest, TOKEN, withDemo } from '../../support/admin-rest.ts';

let rest: AdminRest;

beforeEach(async () => {
  rest = await withDemo();
  const policy = { bindings: [{ role: 'roles/owner', members: ['user:ada@example.com'] }] };
  await rest.call('POST', '/v1/projects/demo:setIamPolicy', { policy });
});

const rotate = async (headers: Record<string, string>, bearer = 'user:ada@example.com'): Promise<number> => {
  const all = { authorization: `Bearer ${bearer}`, ...headers };
  // Without a body it is what HTML calls a simple request: no preflight stands before it.
  return (await rest.send('/v1/projects/demo/signingKeys:rotate', { method: 'POST', headers: all })).status;
};

describe('a change by a user', () => {
  it.each<[number, Record<string, string>]>([
    [200, {}],
    [200, { origin: 'https://sts.example.com', 'sec-fetch-site': 'same-origin' }],
    [200, { 'sec-fetch-site': 'none' }],
    [403, { origin: 'https://evil.example.com' }],
    [403, { origin: 'null' }],
    [403, { 'sec-fetch-site': 'cross-site' }],
    [403, { 'sec-fetch-site': 'same-site' }],
    [403, { origin: 'https://sts.example.com', 'sec-fetch-site': 'cross-site' }],
  ])('is answered %i when the browser says %j', async (status, headers) => {
    expect(await rotate(headers)).toBe(status);
  });
});

it('a token that no browser sends by itself may come from anywhere, and reading is no change', async () => {
  expect(await rotate({ origin: 'https://console.example.com' }, TOKEN)).toBe(200);
  const headers = { authorization: 'Bearer user:ada@example.com', origin: 'https://evil.example.com' };
  const read = await rest.send('/v1/projects/demo', { headers });
  expect(read.status).toBe(200);
  // Nor can that page read the answer.
  expect(read.headers.get('access-control-allow-origin')).toBeNull();
});
